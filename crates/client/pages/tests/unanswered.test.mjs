import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { keepAgreed, keptReservas } from "../kept.js";
import { FakeStorage } from "./shared.mjs";

const { ask, earlierRequests, forgetRequest, lostRequests, ownReserva, send } = await import("../unanswered.js");

beforeEach(() => { globalThis.localStorage = new FakeStorage(); });
afterEach(() => { delete globalThis.localStorage; });

const HOUR = 3_600_000;
const inHours = (hours) => new Date(Date.now() + hours * HOUR).toISOString();
const body = (fields = {}) => ({ server_id: "server1", posto_id: 5, placa: "abc-1d23", fim: inHours(1), ...fields });
const request = (fields = {}) => ({ key: "key-of-the-first", body: body(), nome: "Ponto 5", ...fields });
const reserva = { id: 1, posto_id: 5, placa: "ABC1D23", inicio: inHours(0), fim: inHours(1), status: "ativa", versao: 1 };
const made = [200, { request_id: "request-1", status: "sucesso", reserva }];
const LOST = Symbol("no answer comes");

/** Answers each call by the next of these, and returns what was asked. */
function answering(...answers) {
  const asked = [];
  globalThis.fetch = async (path, { method, headers, body: sent }) => {
    asked.push([method, path, headers["idempotency-key"], sent]);
    const answer = answers.shift();
    if (answer === LOST) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(answer[1]), { status: answer[0] });
  };
  return asked;
}

test("what is answered is kept as a reserva, and asked for no more", async () => {
  answering(made);
  assert.deepEqual(await send(request()), { server_id: "server1", request_id: "request-1" });
  assert.equal(keptReservas()[0].request_id, "request-1");
  assert.equal(localStorage.items.size, 1, "of a request that was answered nothing is left");
});

test("a request whose answer is lost is sent again as it was", async () => {
  const asked = answering(LOST, made);
  await assert.rejects(send(request()), { status: 0 });
  const [lost] = lostRequests();
  assert.equal(lost.nome, "Ponto 5");
  assert.deepEqual(keptReservas(), []);
  await ask(lost);
  assert.deepEqual(asked[1], asked[0], "the same key and the same body");
  assert.equal(keptReservas()[0].request_id, "request-1");
  assert.deepEqual(lostRequests(), []);
});

test("a page that is gone has not noted that an answer was lost", async () => {
  answering(made);
  globalThis.fetch = () => new Promise(() => {});
  send(request());
  assert.deepEqual(lostRequests(), [], "the answer may still come");
  const { now } = Date;
  try {
    Date.now = () => now() + 60_000;
    assert.deepEqual(lostRequests(), [], "the page may still ask what became of it");
    assert.equal(earlierRequests(body(), "another").length, 1, "but the driver may ask");
    Date.now = () => now() + 120_000;
    assert.equal(lostRequests().length, 1);
    Date.now = () => now() + 2 * HOUR;
    assert.deepEqual(lostRequests(), [], "what it asked for is past");
    assert.equal(localStorage.items.size, 1, "by a clock that may be wrong");
    Date.now = () => now() + 26 * HOUR;
    assert.deepEqual(lostRequests(), []);
    assert.equal(localStorage.items.size, 0, "it is forgotten");
  } finally {
    Date.now = now;
  }
});

test("a request that is forgotten while it is repeated stays forgotten", async () => {
  answering(LOST);
  await assert.rejects(send(request()));
  let fail;
  globalThis.fetch = () => new Promise((_, reject) => { fail = reject; });
  const asking = ask(lostRequests()[0]);
  forgetRequest("key-of-the-first");
  fail(new TypeError("Failed to fetch"));
  await assert.rejects(asking, { status: 0 });
  assert.equal(localStorage.items.size, 0);
});

test("only what says what became of it ends a request", async () => {
  const refusal = (status, codigo) => [status, { status: "erro", codigo }];
  for (const answer of [refusal(409, "posto_reservado"), refusal(429, "requisicoes_demais"), refusal(503, "servidor_indisponivel")]) {
    answering(answer);
    await assert.rejects(send(request()));
    assert.deepEqual(lostRequests(), [], `${answer[0]} to the first`);
  }
  answering(LOST);
  await assert.rejects(send(request()));
  for (const answer of [LOST, [502, {}], refusal(401, "nao_autenticado"), refusal(429, "requisicoes_demais"), refusal(503, "sobrecarregado"), refusal(500, "erro_interno")]) {
    answering(answer);
    await assert.rejects(ask(lostRequests()[0]));
    assert.equal(lostRequests().length, 1, `${String(answer[0])} to a repeat`);
  }
  answering(refusal(409, "posto_reservado"));
  await assert.rejects(ask(lostRequests()[0]));
  assert.deepEqual(lostRequests(), []);
});

test("a request that a 504 has named is asked for by its name", async () => {
  const late = [504, { request_id: "request-1", status: "erro", codigo: "tempo_esgotado" }];
  const silent = Array.from({ length: 5 }, () => [503, { codigo: "servidor_indisponivel" }]);
  const { setTimeout: wait } = globalThis;
  globalThis.setTimeout = (then, time) => wait(then, time === 2000 ? 0 : time);
  try {
    answering(late, ...silent);
    await assert.rejects(send(request()), { status: 504 });
  } finally {
    globalThis.setTimeout = wait;
  }
  answering([504, { request_id: "question", status: "erro", codigo: "tempo_esgotado" }]);
  await assert.rejects(ask(lostRequests()[0]), { status: 504 });
  const asked = answering([200, { request_id: "another question", reserva }]);
  assert.deepEqual(await ask(lostRequests()[0]), { server_id: "server1", request_id: "request-1" });
  assert.deepEqual(asked.map(([method, path]) => [method, path]), [["GET", "reservas/request-1?server_id=server1"]]);
});

test("earlier requests are those of the same carro for the same posto", async () => {
  answering(LOST, LOST, LOST, LOST);
  await assert.rejects(send(request()));
  await assert.rejects(send(request({ key: "key-of-the-second", body: body({ posto_id: 6 }) })));
  await assert.rejects(send(request({ key: "key-of-the-third", body: body({ placa: "XYZ9876" }) })));
  await assert.rejects(send(request({ key: "key-of-the-fourth" })));
  const found = earlierRequests(body({ placa: "ABC 1D23" }), "key-of-the-fourth");
  assert.deepEqual(found.map(({ request: { key }, isSame }) => [key, isSame]), [["key-of-the-first", true]]);
  forgetRequest("key-of-the-first");
  assert.deepEqual(earlierRequests(body(), "key-of-the-fourth"), []);
});

test("only what asked for all of the interval is sent again unasked", async () => {
  answering(LOST);
  await assert.rejects(send(request({ body: body({ inicio: inHours(2), fim: inHours(4) }) })));
  const isSame = (inicio, fim) => earlierRequests(body({ inicio: inHours(inicio), fim: inHours(fim) }), "another")[0].isSame;
  for (const [inicio, fim, expected] of [[2, 4, true], [2.5, 3, true], [2, 4.1, true], [1.9, 4, true], [2, 6, false], [0, 4, false], [5, 6, false], [0, 1, false]]) {
    assert.equal(isSame(inicio, fim), expected, `${inicio} to ${fim}`);
  }
});

test("what another program has left there is no request", () => {
  for (const text of ["{", "3", "{}", "[{},null,1,{\"key\":\"k\",\"nome\":\"n\",\"at\":1,\"body\":{}}]"]) {
    localStorage.setItem("postos.sem_resposta", text);
    assert.deepEqual(lostRequests(), []);
  }
});

test("the own reserva that holds the posto then is found, and no other", () => {
  const keep = (request_id, from, to, fields = {}) =>
    keepAgreed("server1", request_id, { ...reserva, inicio: inHours(from), fim: inHours(to), ...fields }, "Ponto 5");
  keep("past", -3, -1);
  keep("cancelled", 24, 26, { status: "cancelada" });
  keep("other-posto", 24, 26, { posto_id: 6 });
  keep("other-carro", 24, 26, { placa: "XYZ9876" });
  keep("tomorrow", 24, 26);
  keep("day-after", 48, 50);
  const found = (from, to) => ownReserva(body({ inicio: inHours(from), fim: inHours(to) }))?.request_id;
  assert.equal(found(25, 27), "tomorrow");
  assert.equal(found(49, 51), "day-after");
  assert.equal(found(27, 30), undefined);
  assert.equal(ownReserva(body()), undefined, "nothing holds it now");
});
