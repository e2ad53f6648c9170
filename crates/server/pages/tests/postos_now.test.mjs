import assert from "node:assert/strict";
import { test } from "node:test";

import { attention, earliest, inGroups } from "../attention.js";
import { counts, matching, postosNow } from "../postos_now.js";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const at = (/** @type {number} */ hours) => new Date(NOW + hours * 3_600_000).toISOString();

const inService = { disponivel: true, em_manutencao: false };
const posto = (/** @type {number} */ id, other = {}) => ({
  id, nome: `Ponto ${id}`, disponivel: true, em_manutencao: false, operador: inService, carregador: null,
  tipo_conector: "CCS", potencia_maxima: 22, preco_kwh: 2.5, ...other,
});
const out = (/** @type {number} */ id, other = {}) =>
  posto(id, { disponivel: false, operador: { disponivel: false, em_manutencao: false }, ...other });
const faulty = (/** @type {number} */ id) =>
  posto(id, { disponivel: false, carregador: { disponivel: false, em_manutencao: false, desde: at(-1) } });
const reserva = (/** @type {number} */ id, /** @type {number} */ posto_id, /** @type {number} */ from, /** @type {number} */ until, other = {}) =>
  ({ id, posto_id, placa: "ABC1234", inicio: at(from), fim: at(until), status: "ativa", ...other });
const session = (/** @type {number} */ id, /** @type {number} */ posto_id, /** @type {number} */ from) =>
  ({ id, posto_id, placa: "XYZ9876", inicio: at(from) });

test("each posto is in the state that an operator would say", () => {
  const postos = [
    posto(1),
    posto(2, { disponivel: false }),
    posto(3, { disponivel: false }),
    posto(4, { disponivel: false }),
    out(5),
    posto(6, { disponivel: false, em_manutencao: true, operador: { disponivel: false, em_manutencao: true } }),
    faulty(7),
    out(8),
  ];
  const reservas = [reserva(1, 2, -1, 1), reserva(2, 1, 5, 6), reserva(3, 1, 2, 3), reserva(4, 5, -1, 1)];
  const found = postosNow(postos, reservas, [session(1, 3, -1), session(2, 8, -1)], NOW);
  const shown = found.map(({ posto: { id }, state, by }) => [id, state, by]);
  assert.deepEqual(shown, [
    [1, "free", null],
    [2, "reserved", null],
    [3, "charging", null],
    [4, "taken", null],
    [5, "out", "operador"],
    [6, "maintenance", "operador"],
    [7, "out", "carregador"],
    [8, "charging", "operador"],
  ]);
  assert.equal(found[0].next?.id, 3, "the first of those that come");
  assert.equal(found[1].reserva?.id, 1);
  assert.equal(found[6].since, at(-1));
  assert.deepEqual(counts(found), { charging: 2, reserved: 1, taken: 1, free: 1, maintenance: 1, out: 2 });
});

test("a reserva holds its posto from its begin to before its end", () => {
  const held = (/** @type {number} */ from, /** @type {number} */ until) =>
    postosNow([posto(1)], [reserva(1, 1, from, until)], [], NOW)[0].reserva !== null;
  assert.deepEqual([held(0, 1), held(-1, 0), held(-1, 1), held(1, 2)], [true, false, true, false]);
});

test("postos are found by name, without accents and capitals, by number, and by state", () => {
  const postos = postosNow([posto(1, { nome: "Estação Sé" }), posto(12), out(2)], [], [], NOW);
  const ids = (/** @type {string} */ typed, /** @type {string[]} */ ...states) =>
    matching(postos, typed, new Set(states)).map((found) => found.posto.id);
  assert.deepEqual(ids(""), [1, 12, 2]);
  assert.deepEqual(ids(" estacao se "), [1]);
  assert.deepEqual(ids("PONTO"), [12, 2]);
  assert.deepEqual(ids("1"), [1, 12], "number 1, and a name with a 1");
  assert.deepEqual(ids("", "out"), [2]);
  assert.deepEqual(ids("", "out", "free"), [1, 12, 2]);
});

test("what needs attention comes with what it is about, the most urgent first", () => {
  const postos = [out(1), faulty(2), posto(3, { disponivel: false }), posto(4, { disponivel: false }), posto(5), out(6)];
  const reservas = [
    reserva(1, 1, 3, 4), reserva(2, 1, 1, 2), reserva(3, 2, 1, 2),
    reserva(4, 3, -1, 1, { aviso: "posto_ocupado" }), reserva(5, 5, 1, 2),
  ];
  const sessions = [session(1, 3, -30), session(2, 4, -25)];
  const facts = { postos: postosNow(postos, reservas, sessions, NOW), reservas, notReady: "Sem broker.", now: NOW };
  const items = attention(facts);
  assert.deepEqual(items.map(({ key }) => key), ["not_ready", "overstay/4", "charger/2", "kept/1", "long/2"]);
  const kept = items.find(({ kind }) => kind === "kept");
  assert.ok(kept?.kind === "kept");
  assert.equal(earliest(kept.reservas).id, 2);
});

test("many of one kind are one, those with reservas first", () => {
  const items = (/** @type {number} */ count) => {
    const postos = [posto(100, { disponivel: false }), ...Array.from({ length: count }, (_, at) => faulty(at + 1))];
    const reservas = [reserva(1, 3, 4, 5), reserva(2, 2, 1, 2), reserva(3, 3, 6, 7)];
    return attention({ postos: postosNow(postos, reservas, [session(1, 100, -30)], NOW), reservas, notReady: null, now: NOW });
  };
  const shown = (/** @type {number} */ count, /** @type {string[]} */ ...before) => inGroups(items(count), new Set(before));
  const keys = (/** @type {any[]} */ all) => all.map(({ key }) => key);
  assert.deepEqual(keys(shown(4)), ["charger/2", "charger/3", "charger/1", "charger/4", "long/1"]);
  const [group, long] = shown(60);
  assert.deepEqual(keys([group, long]), ["group/charger", "long/1"]);
  assert.ok(group.kind === "group");
  assert.deepEqual([group.items.length, group.reservas.length, earliest(group.reservas).id], [60, 3, 2]);
  assert.deepEqual(keys(group.items.slice(0, 3)), ["charger/2", "charger/3", "charger/1"]);
  assert.deepEqual(keys(shown(4, "charger")), ["group/charger", "long/1"], "one that is open stays so");
  assert.deepEqual(keys(shown(2, "charger")), ["charger/2", "charger/1", "long/1"]);
});

test("nothing needs attention where all is as it should be", () => {
  const reservas = [reserva(1, 1, -1, 1), reserva(2, 1, 1, 2)];
  const postos = postosNow([posto(1), posto(2)], reservas, [session(1, 2, -23)], NOW);
  assert.deepEqual(attention({ postos, reservas, notReady: null, now: NOW }), []);
});
