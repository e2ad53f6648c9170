import assert from "node:assert/strict";
import { test } from "node:test";
import "../../../client/pages/tests/shared.mjs";

globalThis.document = { hidden: false, addEventListener: () => {} };
globalThis.addEventListener = () => {};
const { ApiError } = await import("../../../service/pages/api.js");
const { Poll } = await import("../poll.js");

/** How long it waits after each of these errors, one after the other. */
async function waits(every, ...errors) {
  const waited = [];
  globalThis.setTimeout = (_, wait) => waited.push(wait);
  let at = 0;
  const poll = new Poll(every, async () => { throw errors[at++]; });
  poll.isRunning = true;
  for (const _ of errors) await poll.pollNow();
  return waited;
}

const busy = (retryAfter) => new ApiError(429, {}, retryAfter);

test("it asks less and less often, and as late as it is told to", async () => {
  assert.deepEqual(await waits(4000, ...Array.from({ length: 6 }, () => busy())), [4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  assert.deepEqual(await waits(4000, busy(20), busy(1)), [20_000, 8000]);
});

test("no answer makes it wait longer than a minute", async () => {
  assert.deepEqual(await waits(4000, busy(3600), busy(30 * 24 * 3600), busy(1e12)), [60_000, 60_000, 60_000]);
});
