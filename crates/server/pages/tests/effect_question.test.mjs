import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "../../../client/pages/tests/shared.mjs";

const { EffectQuestion } = await import("../effect_question.js");
const { isOld, isSameEffect, isSameImport } = await import("../unchanged.js");

const reserva = (id, other = {}) => ({
  id, placa: "ABC1234", inicio: "2026-11-28T12:00:00Z", fim: "2026-11-28T13:00:00Z", posto_id: 1,
  resultado: "cancelada", client_id: "cliente1", ...other,
});
/** Lets everything run that waits for nothing but its turn. */
const turns = () => new Promise((resolve) => setImmediate(resolve));

let calls = [];
let timers = [];
let choice = "mover";
globalThis.setTimeout = (run) => timers.push(run);
globalThis.clearTimeout = (number) => { delete timers[number - 1]; };

/** Runs the timers that are due, and what follows from them. */
async function pass() {
  const due = timers;
  timers = [];
  for (const run of due) run?.();
  await turns();
}

beforeEach(() => [calls, timers, choice] = [[], [], "mover"]);

function asked({ isPossible = () => true } = {}) {
  const call = (what) => (chosen, signal) => new Promise((resolve, reject) => {
    calls.push({ what, chosen, resolve, reject });
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
  return new EffectQuestion({ choice: () => choice, simulate: call("simulate"), act: call("act"), isPossible, render: () => {} });
}

/** Answers the last call. */
async function answer(value) {
  const { resolve, reject } = calls.at(-1);
  if (value instanceof Error) reject(value);
  else resolve(value);
  await turns();
}

/** A question whose effect is shown. */
async function shown(effect, options) {
  const question = asked(options);
  question.look();
  assert.equal(question.mayPress, false, "before there is an effect");
  await pass();
  await answer(effect);
  assert.equal(question.mayPress, true);
  return question;
}

const made = () => calls.map(({ what, chosen }) => `${what} ${chosen}`);

test("what is shown is done after one more look", async () => {
  const question = await shown([reserva(1)]);
  const confirmed = question.confirm();
  assert.equal(question.mayPress, false);
  assert.equal(await question.confirm(), null, "a second press while the first is on its way");
  await answer([reserva(1)]);
  assert.deepEqual(made(), ["simulate mover", "simulate mover", "act mover"]);
  await answer([reserva(1)]);
  assert.deepEqual(await confirmed, [reserva(1)]);
});

test("who goes back during that look has done nothing", async () => {
  const question = await shown([reserva(1)]);
  const confirmed = question.confirm();
  question.looking.abort();
  assert.equal(await confirmed, null);
  assert.deepEqual(made(), ["simulate mover", "simulate mover"]);
  assert.equal(question.refused, null);
});

test("what would do something else than is shown is not done, but shown", async () => {
  const question = await shown([reserva(1), reserva(2)]);
  const confirmed = question.confirm();
  const now = [1, 2, 3, 4, 5].map((id) => reserva(id));
  await answer(now);
  assert.equal(await confirmed, null);
  assert.deepEqual([question.effect, question.hasChanged, question.mayPress], [now, true, true]);
  assert.deepEqual(made(), ["simulate mover", "simulate mover"]);
  const again = question.confirm();
  assert.equal(question.hasChanged, false);
  await answer(now);
  await answer(now);
  assert.deepEqual(await again, now);
});

test("an action without an answer leaves no effect shown that may not be true", async () => {
  const question = await shown([reserva(1)]);
  const confirmed = question.confirm();
  await answer([reserva(1)]);
  const lost = new Error("no answer");
  await answer(lost);
  assert.equal(await confirmed, null);
  assert.deepEqual([question.refused, question.effect, question.mayPress], [lost, null, false]);
  await pass();
  await answer([]);
  assert.deepEqual([question.refused, question.effect, question.mayPress], [lost, [], true], "what it would do now");
});

test("a look that has failed is repeated by a press", async () => {
  const question = asked();
  question.look();
  await pass();
  const lost = new Error("no answer");
  await answer(lost);
  assert.deepEqual([question.unknown, question.effect, question.mayPress], [lost, null, true]);
  assert.equal(await question.confirm(), null);
  assert.equal(question.mayPress, false);
  await pass();
  await answer([reserva(1)]);
  assert.deepEqual([question.effect, question.mayPress], [[reserva(1)], true]);
  assert.ok(made().every((one) => one.startsWith("simulate")));
});

test("a choice that changes while the last one is confirmed is not done", async () => {
  const question = await shown([reserva(1)]);
  const confirmed = question.confirm();
  choice = "cancelar";
  question.look();
  await turns();
  assert.equal(await confirmed, null);
  assert.deepEqual([question.refused, question.mayPress], [null, false]);
  await pass();
  await answer([reserva(1), reserva(2)]);
  assert.equal(question.mayPress, true);
  assert.deepEqual(made(), ["simulate mover", "simulate mover", "simulate cancelar"]);
});

test("a choice that changes while the last one is done waits for both", async () => {
  const question = await shown([reserva(1)]);
  const confirmed = question.confirm();
  await answer([reserva(1)]);
  const act = calls.at(-1);
  choice = "cancelar";
  question.look();
  await pass();
  await answer([reserva(2)]);
  assert.equal(question.mayPress, false, "while the action is on its way");
  act.reject(new Error("no answer"));
  assert.equal(await confirmed, null);
  assert.equal(question.mayPress, false, "before the effect of now is known");
  await pass();
  await answer([]);
  assert.equal(question.mayPress, true);
});

test("what is not possible cannot be confirmed", async () => {
  const question = asked({ isPossible: (effect) => effect.length === 0 });
  question.look();
  await pass();
  await answer([reserva(1)]);
  assert.equal(question.mayPress, false);
  assert.equal(await question.confirm(), null);
  assert.equal(calls.length, 1);
});

test("effects are the same if the same becomes of the same reservas", () => {
  const two = [reserva(1), reserva(2)];
  assert.ok(isSameEffect(two, [reserva(2), reserva(1, { client_id: null })]));
  for (const other of [[], [reserva(1)], [reserva(1), reserva(3)], [reserva(1), reserva(2, { resultado: "mantida" })],
    [reserva(1), reserva(2, { posto_id: 2 })], [reserva(1), reserva(2, { motivo: "sem_posto" })], [...two, reserva(3)]]) {
    assert.ok(!isSameEffect(two, other), JSON.stringify(other));
  }
});

test("what a file would do is looked at again after a minute", () => {
  assert.deepEqual([0, 60_000, 60_001, -60_001].map((later) => isOld(1000, 1000 + later)), [false, false, true, true]);
  const would = { criados: 1, alterados: 2, iguais: 3, erros: [] };
  assert.ok(isSameImport(would, { ...would }));
  assert.ok(!isSameImport(would, { ...would, alterados: 1, iguais: 4 }));
  assert.ok(!isSameImport(would, { mensagem: "", erros: [{ linha: 2 }] }));
});
