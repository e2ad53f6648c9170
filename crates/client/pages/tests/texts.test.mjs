import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePage } from "./fake_page.mjs";

fakePage({}, { known: "{name} is here" });
const { hasText, text } = await import("../../../service/pages/texts.js");

test("a name from right to left is set apart from what is around it", () => {
  assert.equal(text("known", { name: "מרכז 2" }), "\u2068מרכז 2\u2069 is here");
});

test("a text that the page does not have is reported once, and the rest goes on", (t) => {
  const report = t.mock.method(console, "error", () => {});
  assert.equal(text("known", { name: "a posto" }), "a posto is here");
  assert.equal(hasText("new"), false);
  assert.equal(text("new"), "");
  assert.equal(text("new", { name: "a posto" }), "");
  assert.deepEqual(report.mock.calls.map(({ arguments: said }) => said), [["no text for new"]]);
});
