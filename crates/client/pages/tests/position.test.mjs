import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStorage } from "./shared.mjs";

globalThis.isSecureContext = true;
Object.defineProperty(globalThis, "navigator", { configurable: true, value: {
  geolocation: { getCurrentPosition: (found) => found({ coords: { latitude: -23.5, longitude: -46.6 } }) },
} });
const { askPosition, knownPosition } = await import("../position.js");

for (const [storage, make] of [["kept by the tab", () => new FakeStorage()], ["where nothing is kept", () => undefined]]) {
  test(`where the driver was a while ago is not where they are: ${storage}`, async (t) => {
    globalThis.sessionStorage = make();
    let now = 1_000_000_000;
    t.mock.method(Date, "now", () => now);
    await askPosition();
    assert.deepEqual(knownPosition(), { lat: -23.5, lon: -46.6 });
    now = 1_000_000_000 + 9 * 60_000;
    assert.deepEqual(knownPosition(), { lat: -23.5, lon: -46.6 });
    now = 1_000_000_000 + 10 * 60_000;
    assert.equal(knownPosition(), null);
    now = 999_999_999;
    assert.equal(knownPosition(), null, "the clock was set back");
  });
}

test("a position without its time, or none at all, is not known", () => {
  for (const text of ["{\"lat\":-23.5,\"lon\":-46.6}", "3", "{", `{"at":${Date.now()}}`]) {
    globalThis.sessionStorage = new FakeStorage();
    sessionStorage.setItem("postos.posicao", text);
    assert.equal(knownPosition(), null, text);
  }
});
