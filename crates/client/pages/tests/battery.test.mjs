import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePage } from "./fake_page.mjs";
import "./shared.mjs";

fakePage();
const { asTyped, levelInKwh } = await import("../battery.js");

test("a level is in kWh, or a part of the capacity", () => {
  for (const [level, capacity, kwh] of [
    ["22,25", "44,5", 22.25], ["50%", "18,3", 9.15], ["12,5 %", "60", 7.5], ["0%", "60", 0], ["120%", "50", 60],
    ["meia", "60", NaN], ["%", "60", NaN], ["50%", "", NaN], ["50%", "muita", NaN],
  ]) assert.equal(levelInKwh(level, capacity), kwh, `${level} of ${capacity}`);
});

test("a level that is filled in is written as people here type it", () => {
  assert.deepEqual([9.15, 22.25, 30, 1000].map(asTyped), ["9,2", "22,3", "30", "1000"]);
});
