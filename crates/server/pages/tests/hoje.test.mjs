import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeElement, fakePage } from "../../../client/pages/tests/fake_page.mjs";
import { FakeStorage } from "../../../client/pages/tests/shared.mjs";

/** As much of a list as is brought up to date. */
class FakeList extends FakeElement {
  get firstElementChild() { return this.children[0] ?? null; }
  insertBefore(child, place) {
    this.children.splice(place === null ? this.children.length : this.children.indexOf(place), 0, child);
    child.remove = () => this.children.splice(this.children.indexOf(child), 1);
  }
}
Object.assign(FakeElement.prototype, {
  getAttribute(name) { return this.attributes.get(name) ?? null; },
  contains: () => false,
  closest: () => null,
});

const field = Object.assign(new FakeElement("input"), { value: "" });
const elements = { "hoje-search": field, "hoje-reservas": new FakeList("tbody"), "hoje-sessions": new FakeList("tbody") };
for (const id of ["hoje-problem", "hoje-cut", "hoje-reservas-count", "hoje-sessions-count"]) elements[id] = new FakeElement("p");
fakePage(elements, {
  "error.status": "Erro {status}.", "reservas.one": "{count}", "reservas.other": "{count}", "sessions.other": "{count}",
  "reserva.cancel": "Cancelar…", "reserva.cancel_name": "Cancelar {placa}, {inicio}…",
});
globalThis.sessionStorage = new FakeStorage();
globalThis.localStorage = new FakeStorage();

/** Questions that have no answer yet. @type {{ path: string, answer: (status: number, body: object) => void }[]} */
let asked = [];
globalThis.fetch = (path) => new Promise((resolve) => {
  asked.push({ path, answer: (status, body) => resolve(new Response(JSON.stringify(body), { status })) });
});
// It is not the debounce, nor the interval of the poll, that is tried here.
globalThis.setTimeout = (run, wait) => { if (wait === 200) run(); return 0; };
const hoje = await import("../hoje.js");
hoje.start();

const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
const reserva = (id, placa) => ({ id, placa, posto_id: 1, status: "ativa", inicio: inDays(3), fim: inDays(3.1) });
const settled = () => new Promise(setImmediate);
const waiting = () => asked.filter(({ path }) => path.includes("placa=")).map(({ path }) => /placa=(\w+)/.exec(path)[1]);
const shown = () => elements["hoje-reservas"].children.map((row) => Number(row.getAttribute("data-key")));
const problem = () => elements["hoje-problem"].textContent;

async function type(typed) {
  field.value = typed;
  field.listeners.get("input")();
  await settled();
}

/** Answers what was asked about a placa. */
async function answerPlaca(placa, status, body) {
  const at = asked.findIndex(({ path }) => path.includes(`placa=${placa}`));
  asked.splice(at, 1)[0].answer(status, body);
  await settled();
}

/** Answers what was asked about today, by which nothing is of today. */
async function answerToday() {
  const today = asked.filter(({ path }) => !path.includes("placa="));
  asked = asked.filter((one) => !today.includes(one));
  assert.equal(today.length, 3);
  for (const { answer } of today) answer(200, { reservas: [], carregamentos: [], proxima: null });
  await settled();
}

beforeEach(() => {
  hoje.hide();
  hoje.forget();
  hoje.render();
  elements["hoje-problem"].replaceChildren();
  asked = [];
  hoje.show();
});

test("a placa that is typed while the first answer is awaited is asked for after it", async () => {
  await type("ABC1D23");
  assert.deepEqual(waiting(), []);
  await answerToday();
  assert.deepEqual(waiting(), ["ABC1D23"]);
  await answerPlaca("ABC1D23", 200, { reservas: [reserva(7, "ABC1D23")] });
  assert.deepEqual(shown(), [7]);
});

test("a poll that began before a placa was typed does not take its reservas away", async () => {
  await answerToday();
  hoje.show();
  await type("ABC1D23");
  await answerPlaca("ABC1D23", 200, { reservas: [reserva(7, "ABC1D23")] });
  await answerToday();
  assert.deepEqual([shown(), waiting()], [[7], []]);
});

test("reservas of another day are shown for their own placa alone", async () => {
  await answerToday();
  await type("ABC1D23");
  await answerPlaca("ABC1D23", 200, { reservas: [reserva(7, "ABC1D23")] });
  await type("ABC");
  assert.deepEqual(shown(), []);
  await type("ABC1D2");
  assert.deepEqual([shown(), waiting()], [[], ["ABC1D2"]]);
});

test("the failure of a question is shown as long as its placa is typed", async () => {
  await answerToday();
  await type("ABC1D23");
  await type("XYZ1D23");
  await answerPlaca("ABC1D23", 500, {});
  assert.equal(problem(), "");
  await answerPlaca("XYZ1D23", 500, {});
  assert.equal(problem(), "Erro 500.");
});
