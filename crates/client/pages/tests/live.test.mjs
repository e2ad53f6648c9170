import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakeClock, fakePage } from "./fake_page.mjs";
import "./shared.mjs";

const shown = new FakeElement("p");
fakePage({ live: shown }, { "live.yes": "live", "live.no": "not since {since}", "live.offline": "not since {since}" });
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { onLine: true } });
const { Live } = await import("../live.js");

const at = (hour, minute, second = 0) => new Date(2026, 10, 23, hour, minute, second).getTime();

test("the page says since when nothing comes, also after midnight", (t) => {
  const clock = fakeClock(t, at(23, 50));
  const live = new Live();
  live.set(true, at(23, 50));
  assert.equal(shown.textContent, "live");
  // It is noticed some time after the last bytes.
  clock.set(at(23, 55));
  live.set(false, at(23, 54, 20));
  clock.tick(3000);
  assert.equal(shown.textContent, "not since 23:54");
  clock.tick(10 * 60_000);
  assert.equal(shown.textContent, "not since 23/11 23:54");
});

test("a page that was never live names the moment of its HTML", (t) => {
  const clock = fakeClock(t, at(12, 0));
  const value = { timeOrigin: at(11, 58), getEntriesByType: () => [{ responseEnd: 60_000 }] };
  Object.defineProperty(globalThis, "performance", { configurable: true, value });
  new Live();
  clock.tick(7000);
  assert.equal(shown.textContent, "not since 11:59");
});
