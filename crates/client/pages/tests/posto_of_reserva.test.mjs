import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakePage } from "./fake_page.mjs";
import { FakeStorage } from "./shared.mjs";

fakePage({}, { "posto.number": "Posto nº {id}", "change.same": "{posto} (como está)" });
globalThis.sessionStorage = new FakeStorage();
globalThis.localStorage = new FakeStorage();
const { PostoOfReserva } = await import("../posto_of_reserva.js");

const listed = [5, 7, 8].map((id) => ({ id, nome: `Ponto ${id}`, localizacao: "-23.5,-46.6", tipo_conector: "CCS" }));
let answers = [];
globalThis.fetch = async () => {
  const answer = answers.shift();
  if (!answer) throw new Error("no network");
  return new Response(JSON.stringify(answer));
};

function open(known) {
  const [part, select] = [new FakeElement("dd"), new FakeElement("select")];
  part.textContent = known ? "Ponto 5" : "Posto nº 5";
  if (known) part.dataset.known = "";
  const article = { dataset: { serverId: "server1", postoId: "5" }, querySelector: () => part };
  return { posto: new PostoOfReserva(article, select), options: () => select.children.map(({ textContent }) => textContent) };
}

test("a name that could not be read is asked for again", async () => {
  const { posto, options } = open(true);
  await posto.show(5);
  assert.equal(posto.knownName(), "Ponto 5");
  answers = [null, { postos: listed }];
  await posto.show(7);
  assert.deepEqual([posto.name(), posto.knownName(), posto.isRead], ["Posto nº 7", "", false]);
  assert.deepEqual(options(), ["Posto nº 7 (como está)"]);
  await posto.show(7);
  assert.deepEqual([posto.name(), posto.knownName(), posto.isRead], ["Ponto 7", "Ponto 7", true]);
  assert.deepEqual(options(), ["Ponto 7 (como está)", "Ponto 5", "Ponto 8"]);
  // It is known, and nobody is asked.
  await posto.show(7);
  assert.equal(posto.name(), "Ponto 7");
});

test("the name that the HTML lacks is asked for", async () => {
  const { posto } = open(false);
  answers = [{ postos: listed }];
  await posto.show(5);
  assert.equal(posto.knownName(), "Ponto 5");
});

test("a posto that is not in the list is not asked for again", async () => {
  const { posto } = open(true);
  answers = [{ postos: listed }];
  await posto.show(9);
  assert.deepEqual([posto.name(), posto.isRead], ["Posto nº 9", true]);
});
