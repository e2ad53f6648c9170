import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakePage } from "./fake_page.mjs";
import "./shared.mjs";

const hint = Object.assign(new FakeElement("p"), { textContent: "Vazio: agora" });
fakePage({ "inicio-hint": hint }, { "time.device": "(no horário deste aparelho)" });
process.env.TZ = "America/Sao_Paulo";
const { markZone } = await import("../zone.js");

/** The form of the HTML, whose sentence about the zone is of Brasília; `value` is what is typed by now. */
function form(defaultValue, value = defaultValue) {
  const [sentence, input] = [new FakeElement("p"), { id: "inicio", defaultValue, value }];
  return { sentence, input, querySelector: () => sentence, querySelectorAll: () => [input] };
}

test("in Brasília nothing is to be said of the zone", () => {
  const made = form("2026-11-28T12:00");
  markZone(made);
  assert.deepEqual([made.sentence.isConnected, made.input.value, hint.textContent], [false, "2026-11-28T12:00", "Vazio: agora"]);
});

test("elsewhere the fields are in the time of the device, with what was typed before the module was there", (t) => {
  process.env.TZ = "America/Manaus";
  t.after(() => { process.env.TZ = "America/Sao_Paulo"; });
  const refused = form("2026-11-28T12:00");
  markZone(refused);
  assert.deepEqual([refused.sentence.isConnected, refused.input.value], [false, "2026-11-28T11:00"]);
  assert.equal(hint.textContent, "Vazio: agora (no horário deste aparelho)");
  for (const made of [form(""), form("", "2026-11-28T12:00")]) {
    const { value } = made.input;
    markZone(made);
    assert.equal(made.input.value, value, "typed here, it is of here");
  }
});
