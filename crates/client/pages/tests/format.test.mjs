import assert from "node:assert/strict";
import { test } from "node:test";

// The language of the page.
Object.assign(globalThis, { document: { getElementById: () => null, documentElement: { lang: "pt-BR" } } });
const { couldBeTwoNumbers, typedNumber } = await import("../../../service/pages/format.js");

// As the gateway reads forms without script (client/src/http/pages/typed.rs).
test("numbers are typed with comma or point", () => {
  for (const [typed, number] of [
    ["44,5", 44.5], ["44.5", 44.5], ["1.234,5", 1234.5], ["1,234.5", 1234.5], ["1.234.567", 1234567], ["12.345.678,9", 12345678.9],
    ["1234.567", 1234.567], ["0.190", 0.19], ["0,190", 0.19], ["40", 40], [" 40, ", 40], [",5", 0.5], ["-1", -1], ["12,345", 12.345],
  ]) {
    assert.equal(typedNumber(typed), number, typed);
    assert.equal(couldBeTwoNumbers(typed), false, typed);
  }
  for (const typed of ["", "1,2,3", "1.2345,6", "1.234,5.6", "1.234,", ".", "quarenta", "1e3", "0x10", "Infinity"]) {
    assert.ok(Number.isNaN(typedNumber(typed)), typed);
    assert.equal(couldBeTwoNumbers(typed), false, typed);
  }
});

test("a number that could be two is none", () => {
  for (const typed of ["1.234", " 12.345 ", "-1.000"]) {
    assert.ok(Number.isNaN(typedNumber(typed)), typed);
    assert.ok(couldBeTwoNumbers(typed), typed);
  }
});
