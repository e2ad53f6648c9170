import assert from "node:assert/strict";
import { test } from "node:test";

import { differences } from "../differences.js";
import { notifiedClients } from "../notified.js";
import { isFound, isOver, ofToday, openFirst, sessionsOfToday, wholePlaca } from "../today.js";

test("a change shows the fields that differ", () => {
  assert.deepEqual(differences({ a: 1, b: 2 }, { a: 1, b: 3 }), [{ campo: "b", antes: 2, depois: 3 }]);
  assert.deepEqual(differences(null, { a: null }), [{ campo: "a", antes: undefined, depois: null }]);
  assert.deepEqual(differences({ a: 1 }, null), [{ campo: "a", antes: 1, depois: undefined }]);
  assert.deepEqual(differences(null, null), []);
});

test("only clients whose reserva has changed were notified", () => {
  const reserva = (/** @type {string} */ resultado, /** @type {string | null} */ client_id) => ({ resultado, client_id });
  const notified = notifiedClients([
    reserva("movida", "cliente2"), reserva("cancelada", "cliente1"), reserva("movida", "cliente1"),
    reserva("mantida", "cliente3"), reserva("movida", null),
  ]);
  assert.deepEqual(notified, { clients: [["cliente1", 2], ["cliente2", 1]], unknown: 1 });
});

test("reservas are of today if they hold their posto at some time of it", () => {
  const midnight = new Date(2026, 10, 28);
  const reserva = (/** @type {number} */ id, /** @type {number} */ from, /** @type {number} */ until) => ({
    id, posto_id: 1, placa: null, status: "ativa", criada_em: "",
    inicio: new Date(midnight.getTime() + from * 3_600_000).toISOString(),
    fim: new Date(midnight.getTime() + until * 3_600_000).toISOString(),
  });
  const found = ofToday([
    reserva(1, 10, 11), reserva(2, -2, 0), reserva(3, -2, 1), reserva(4, 24, 25), reserva(5, 23, 30), reserva(1, 10, 11),
  ], midnight);
  assert.deepEqual(found.map(({ id }) => id), [3, 1, 5]);
});

test("sessions are of today if they are open or have ended today", () => {
  const midnight = new Date(2026, 10, 28);
  const at = (/** @type {number} */ hours) => new Date(midnight.getTime() + hours * 3_600_000).toISOString();
  const session = (/** @type {number} */ id, /** @type {number} */ from, /** @type {number | null} */ until) =>
    ({ id, inicio: at(from), fim: until === null ? null : at(until) });
  const found = sessionsOfToday([session(1, -50, null), session(2, -2, 1), session(3, -3, -1), session(4, 1, 2), session(1, -50, null)], midnight);
  assert.deepEqual(found.map(({ id }) => id), [1, 4, 2], "an open one first, however old");
});

test("what runs and what comes is before what is over", () => {
  const now = Date.UTC(2026, 10, 28, 18);
  const reserva = (/** @type {number} */ id, /** @type {number} */ from, /** @type {number} */ until, status = "ativa", other = {}) => ({
    id, posto_id: 1, placa: null, status, inicio: new Date(now + from * 3_600_000).toISOString(), fim: new Date(now + until * 3_600_000).toISOString(), ...other,
  });
  const all = [
    reserva(1, -8, -7, "encerrada"), reserva(2, -4, -3, "cumprida"), reserva(3, -1, 1), reserva(4, 2, 3), reserva(5, 1, 2, "cancelada"),
    reserva(6, -2, 1, "cumprida"), reserva(7, -2, 1, "cumprida", { livre_desde: new Date(now).toISOString() }), reserva(8, -3, 0),
  ];
  assert.deepEqual(openFirst(all, now).map(({ id }) => id), [6, 3, 4, 5, 7, 8, 2, 1]);
  assert.equal(isOver(reserva(9, -1, 1, "na_fila"), now), true);
});

test("rows are found by a part of the placa or of the name of the posto", () => {
  const found = (/** @type {string} */ typed, placa = /** @type {string | null} */ ("ABC1D23")) => isFound({ placa, posto_id: 12 }, "Estação Sé", typed);
  assert.ok(found("12") && found(" 12 ") && !found("120"), "the whole number of the posto");
  for (const typed of ["", "abc", "BC-1d", " abc 1d23 ", "estacao", "Sé"]) assert.ok(found(typed), typed);
  for (const typed of ["xyz", "abc1d234", "se 2", "-"]) assert.ok(!found(typed), typed);
  assert.ok(!found("abc", null) && found("sé", null), "a forgotten carro");
  assert.deepEqual(["abc-1d23", " abc 1234", "abc", "ABC12345X", "Sé é um posto"].map(wholePlaca), ["ABC1D23", "ABC1234", "", "", ""]);
});
