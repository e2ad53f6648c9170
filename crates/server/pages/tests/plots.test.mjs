import assert from "node:assert/strict";
import { test } from "node:test";

import { inOffset, offset, period, refusals } from "../periods.js";
import { bands, labelStep, linear, runs, ticks } from "../scales.js";

// The language of the page.
Object.assign(globalThis, { document: { getElementById: () => null, documentElement: { lang: "pt-BR" } } });
const { axisLabels } = await import("../../../service/pages/format.js");

test("axes have round marks that reach the greatest value", () => {
  for (const [max, expected] of /** @type {[number, number[]][]} */ ([
    [0, [0, 1]],
    [NaN, [0, 1]],
    [1, [0, 0.25, 0.5, 0.75, 1]],
    [0.37, [0, 0.1, 0.2, 0.3, 0.4]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
    [101, [0, 50, 100, 150]],
    [18_342, [0, 5000, 10_000, 15_000, 20_000]],
  ])) {
    assert.deepEqual(ticks(max), expected, `${max}`);
  }
  for (let max = 0.001; max < 1e7; max *= 1.37) {
    const marks = ticks(max);
    assert.ok(marks[marks.length - 1] >= max * (1 - 1e-9), `${max}`);
    assert.ok(marks[marks.length - 2] < max, `${max}: no mark more than needed`);
    assert.ok(marks.length >= 3 && marks.length <= 6, `${max}: ${marks}`);
  }
});

test("an axis of counts has no marks between two counts", () => {
  for (const [max, expected] of /** @type {[number, number[]][]} */ ([
    [0, [0, 1]],
    [1, [0, 1]],
    [2, [0, 1, 2]],
    [5, [0, 2, 4, 6]],
    [9, [0, 5, 10]],
    [11, [0, 5, 10, 15]],
  ])) {
    assert.deepEqual(ticks(max, true), expected, `${max}`);
  }
  for (let max = 1; max < 100_000; max = Math.ceil(max * 1.3)) {
    const marks = ticks(max, true);
    assert.ok(marks.every(Number.isInteger) && marks[marks.length - 1] >= max && marks.length <= 6, `${max}: ${marks}`);
  }
});

test("a label of an axis is the value of its mark", () => {
  assert.deepEqual(axisLabels([0, 0.25, 0.5, 0.75, 1], false), ["0,00", "0,25", "0,50", "0,75", "1,00"]);
  assert.deepEqual(axisLabels([0, 0.0025, 0.005], true), ["0,00%", "0,25%", "0,50%"]);
  assert.deepEqual(axisLabels([0, 0.25, 0.5], true), ["0%", "25%", "50%"]);
  assert.deepEqual(axisLabels([0, 5000, 10_000], false), ["0", "5.000", "10.000"]);
  const value = (/** @type {string} */ label) => Number(label.replace("%", "").replaceAll(".", "").replace(",", "."));
  for (let max = 0.001; max < 1e7; max *= 1.37) {
    const marks = ticks(max);
    for (const isPercent of [false, true]) {
      const read = axisLabels(marks, isPercent).map((label) => value(label) / (isPercent ? 100 : 1));
      assert.deepEqual(read.map((one) => one.toPrecision(9)), marks.map((one) => one.toPrecision(9)), `${max}`);
    }
  }
});

test("values lie between the ends of their axis", () => {
  const y = linear(50, 200, 20);
  assert.deepEqual([y(0), y(25), y(50)], [200, 110, 20]);
  assert.equal(linear(0, 200, 20)(0), 200, "an axis without values");
});

test("bars stand side by side and no two overlap", () => {
  for (const count of [1, 7, 24, 30, 200]) {
    const { middle, bar } = bands(count, 40, 320);
    assert.ok(middle(0) - bar / 2 >= 40, `${count}`);
    assert.ok(middle(count - 1) + bar / 2 <= 320, `${count}`);
    if (count > 1) assert.ok(middle(1) - middle(0) > bar, `${count}`);
  }
});

test("as many labels are written as have a place", () => {
  assert.deepEqual([labelStep(7, 300, 40), labelStep(24, 280, 45), labelStep(30, 100, 200)], [1, 4, 30]);
});

test("a line ends where nothing was counted", () => {
  assert.deepEqual(runs([null, 1, 2, null, 3]).map((run) => run.map(({ at }) => at)), [[1, 2], [4]]);
  assert.deepEqual(runs([]), []);
});

test("periods begin with a day or a month of one offset", () => {
  const now = Date.parse("2026-11-28T01:20:00-03:00");
  const begin = (/** @type {string} */ name, fuso = "-03:00") => period(name, now, fuso).de;
  assert.equal(begin("24h"), "2026-11-27T05:20:00.000Z");
  assert.equal(begin("7d"), "2026-11-22T03:00:00.000Z");
  assert.equal(begin("30d"), "2026-10-30T03:00:00.000Z");
  assert.equal(begin("12m"), "2025-12-01T03:00:00.000Z");
  assert.equal(begin("7d", "+09:00"), "2026-11-21T15:00:00.000Z");
  assert.equal(begin("7d", "-05:00"), "2026-11-21T05:00:00.000Z", "the day before");
  assert.deepEqual(["24h", "7d", "30d", "12m"].map((name) => period(name, now, "-03:00").passo), ["hora", "dia", "dia", "mes"]);
});

test("steps are called by the clock that they are made by", () => {
  assert.equal(inOffset("2026-01-01T03:00:00Z", "-03:00").toISOString(), "2026-01-01T00:00:00.000Z");
  assert.equal(inOffset("2025-12-31T23:00:00Z", "+01:00").toISOString(), "2026-01-01T00:00:00.000Z");
});

test("the offset is written as the API reads it", () => {
  const of = (/** @type {number} */ minutes) => offset(/** @type {any} */ ({ getTimezoneOffset: () => minutes }));
  assert.deepEqual([of(180), of(0), of(-540), of(-330)], ["-03:00", "+00:00", "+09:00", "+06:00"]);
});

test("the most frequent refusals come first", () => {
  const found = refusals({ b: 2, a: 2, c: 5 });
  assert.deepEqual(found.map(({ codigo }) => codigo), ["c", "a", "b"]);
});
