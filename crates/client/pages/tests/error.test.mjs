import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakeClock, fakePage } from "./fake_page.mjs";
import "./shared.mjs";

fakePage({}, { "error.retry": "Tenta de novo." });
document.querySelector = () => new FakeElement("section");

/** What the page does once its address, with this fragment, is answered. */
async function led(t, hash) {
  const clock = fakeClock(t, 0);
  const does = [];
  globalThis.location = {
    href: `http://host/reserva?request_id=1${hash}`, pathname: "/reserva", search: "?request_id=1", hash,
    reload: () => does.push("reload"),
    replace: (to) => does.push(to),
  };
  const answers = [503, 200];
  globalThis.fetch = async () => new Response("", { status: answers.shift() });
  // A fragment of its own loads the module anew.
  await import(`../error.js?${hash}`);
  for (const _ of [...answers]) {
    clock.tick(10_000);
    await new Promise(setImmediate);
  }
  assert.deepEqual(answers, []);
  t.mock.restoreAll();
  return does;
}

test("only the fragment of a new reserva is kept, since a reload may send a form again", async (t) => {
  assert.deepEqual(await led(t, "#nova"), ["reload"]);
  for (const hash of ["", "#main"]) assert.deepEqual(await led(t, hash), ["/reserva?request_id=1"], hash);
});
