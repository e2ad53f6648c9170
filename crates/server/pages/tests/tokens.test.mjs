import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakePage } from "../../../client/pages/tests/fake_page.mjs";
import { FakeStorage } from "../../../client/pages/tests/shared.mjs";

const nome = Object.assign(new FakeElement("input"), { name: "nome", focus: () => {}, closest: () => null });
const button = Object.assign(new FakeElement("button"), { getAttribute: (name) => button.attributes.get(name) ?? null });
const form = Object.assign(new FakeElement("form"), {
  elements: { namedItem: () => nome },
  querySelector: () => button,
  querySelectorAll: (selector) => (selector === "input" || nome.attributes.has("aria-invalid") ? [nome] : []),
  reset: () => {},
});
const elements = { "token-form": form, "token-made": new FakeElement("div"), "token-list": new FakeElement("div") };
fakePage(elements, {
  "token.none": "Nenhum token.", "token.made": "O token {nome}:", "token.once": "Só agora.", "token.copy": "Copiar", "error.fields": "Corrija:",
});
globalThis.Element = FakeElement;
globalThis.FormData = class extends Map {
  constructor() { super([["nome", "ana"]]); }
};
globalThis.sessionStorage = new FakeStorage();
globalThis.localStorage = new FakeStorage();
// In a browser an element takes texts too.
const { append } = FakeElement.prototype;
FakeElement.prototype.append = function (...children) {
  append.call(this, ...children.map((child) => (typeof child === "string" ? Object.assign(new FakeElement("text"), { textContent: child }) : child)));
};
const tokens = await import("../tokens.js");

test("a name that was refused is marked as wrong until a token is made", async () => {
  const wrong = { codigo: "requisicao_invalida", mensagem: "Há campos inválidos.", campos: [{ campo: "nome", mensagem: "está errado" }] };
  const answers = [[422, wrong], [201, { nome: "ana", token: "segredo" }], [200, { tokens: [] }]];
  globalThis.fetch = async () => {
    const [status, body] = answers.shift();
    return new Response(JSON.stringify(body), { status });
  };
  tokens.start();
  const submit = async () => {
    form.listeners.get("submit")({ preventDefault: () => {} });
    while (button.attributes.has("aria-disabled")) await new Promise(setImmediate);
  };
  await submit();
  assert.equal(nome.attributes.get("aria-invalid"), "true");
  await submit();
  assert.deepEqual([nome.attributes.has("aria-invalid"), answers], [false, []]);
});
