import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakeClock, fakePage } from "./fake_page.mjs";
import "./shared.mjs";

const errors = new FakeElement("div");
errors.focus = () => {};
const texts = { waiting: "Aguarde…", "error.fields": "Corrija:", "error.incomplete": "Falta uma parte.", "token.refused": "O token não vale." };
const listeners = fakePage({ errors }, texts);
const { ApiError } = await import("../../../service/pages/api.js");
const { PageError } = await import("../actions.js");
const { onSubmit, showErrors } = await import("../forms.js");

/** A form with these fields, and its button. */
function form(...names) {
  const button = Object.assign(new FakeElement("button"), { textContent: "Reservar" });
  const fields = new Map(names.map((name) => [name, Object.assign(new FakeElement("input"), { id: name, type: name === "chave" ? "hidden" : "text", closest: () => null })]));
  const made = Object.assign(new FakeElement("form"), {
    elements: { namedItem: (name) => fields.get(name) ?? null },
    querySelector: (selector) => (selector === '[type="submit"]' ? button : { textContent: `Campo ${/"(.+)"/.exec(selector)[1]}` }),
    querySelectorAll: () => [],
  });
  return { made, button };
}

const lines = () => errors.children.flatMap(({ localName, children, textContent }) => (localName === "ul" ? children.map((line) => line.textContent) : [textContent]));
// In a browser `li` takes texts too.
const append = FakeElement.prototype.append;
FakeElement.prototype.append = function (...children) {
  append.call(this, ...children.map((child) => (typeof child === "string" ? Object.assign(new FakeElement("text"), { textContent: child }) : child)));
};

test("once it has led to another page, a form is not sent again until the back button shows it", async () => {
  const { made, button } = form("placa");
  let runs = 0;
  let leads = true;
  onSubmit(made, async () => { runs += 1; return leads; });
  const submit = () => made.listeners.get("submit")({ preventDefault: () => {} });
  const state = () => [runs, button.textContent, button.attributes.get("aria-disabled")];
  await submit();
  await submit();
  assert.deepEqual(state(), [1, "Aguarde…", "true"]);
  listeners.get("pageshow")({ persisted: false });
  assert.deepEqual(state(), [1, "Aguarde…", "true"], "the first time that this page was shown");
  listeners.get("pageshow")({ persisted: true });
  assert.deepEqual(state(), [1, "Reservar", undefined]);
  leads = false;
  await submit();
  assert.deepEqual(state(), [2, "Reservar", undefined], "what was refused may be asked for again at once");
});

test("a form whose other page does not come is sent again after an edit, or a while", async (t) => {
  const clock = fakeClock(t, 0);
  const { made, button } = form("placa");
  let runs = 0;
  let finish = () => {};
  onSubmit(made, () => { runs += 1; return new Promise((resolve) => { finish = () => resolve(true); }); });
  const submit = () => made.listeners.get("submit")({ preventDefault: () => {} });
  const edit = () => made.listeners.get("input")();
  const state = () => [runs, button.textContent, button.attributes.get("aria-disabled")];
  const leave = async () => {
    const sent = submit();
    await new Promise(setImmediate);
    edit();
    assert.equal(button.textContent, "Aguarde…", "until there is an answer, an edit changes nothing");
    finish();
    await sent;
  };
  await leave();
  edit();
  assert.deepEqual(state(), [1, "Reservar", undefined]);
  clock.tick(19_000);
  await leave();
  clock.tick(19_000);
  assert.deepEqual(state(), [2, "Aguarde…", "true"], "the time of the first one does not count");
  clock.tick(1000);
  assert.deepEqual(state(), [2, "Reservar", undefined]);
});

test("wrong fields are named as the form names them, and the others as the API does", () => {
  const wrong = (...campos) => new ApiError(422, {
    codigo: "requisicao_invalida", mensagem: "A requisição tem campos inválidos.", campos: campos.map((campo) => ({ campo, mensagem: "está errado" })),
  });
  const { made } = form("placa", "fim", "chave");
  showErrors(made, wrong("placa", "fim"));
  assert.deepEqual(lines(), ["Corrija:", "Campo placa: está errado", "Campo fim: está errado"]);
  showErrors(made, wrong("placa", "chave"));
  assert.deepEqual(lines(), ["A requisição tem campos inválidos.", "Campo placa: está errado", "chave: está errado"]);
  showErrors(made, new PageError("error.incomplete", "fim"));
  assert.deepEqual(lines(), ["Corrija:", "Campo fim: Falta uma parte."]);
  showErrors(made, new ApiError(409, { codigo: "posto_reservado", mensagem: "O posto está reservado." }));
  assert.deepEqual(lines(), ["O posto está reservado."]);
  showErrors(made, new ApiError(401, { codigo: "nao_autenticado", mensagem: "Envie Authorization: Bearer …" }));
  assert.deepEqual(lines(), ["O token não vale."]);
});
