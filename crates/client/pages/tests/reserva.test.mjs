import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { changedPeriod, periodOf } from "../period.js";
import { allowed, arrivalLimit, countdownOf, phaseOf, sentenceKey, statusKey, warningKey } from "../status.js";
import "./shared.mjs";

const { Attempt, PageError, cancel, reserve } = await import("../actions.js");
const { ApiError } = await import("../../../service/pages/api.js");

const INICIO = "2026-11-23T12:00:00.000Z";
const FIM = "2026-11-23T13:00:00.000Z";
const [BEFORE, DURING, AFTER] = ["2026-11-23T11:00:00.000Z", "2026-11-23T12:30:00.000Z", FIM].map((at) => Date.parse(at));
const reserva = (status, fields = {}) => ({ posto_id: 5, placa: "ABC1D23", inicio: INICIO, fim: FIM, status, ...fields });

test("a reserva is in one phase at each moment", () => {
  const phases = (one) => [BEFORE, DURING, AFTER].map((at) => phaseOf(one, at));
  assert.deepEqual(phases(reserva("ativa")), ["future", "current", "late"]);
  assert.deepEqual(phases(reserva("cumprida")), ["current", "current", "over"]);
  assert.deepEqual(phases(reserva("cumprida", { livre_desde: INICIO })), ["over", "over", "over"]);
  for (const status of ["encerrada", "cancelada", "nao_compareceu"]) {
    assert.deepEqual(phases(reserva(status)), ["over", "over", "over"]);
  }
  assert.deepEqual(phases(reserva("na_fila")), ["future", "current", "late"], "one that comes later is followed");
});

test("the countdown ends at its moment and then says nothing", () => {
  assert.deepEqual(countdownOf(reserva("ativa"), BEFORE), { key: "countdown.begin", millis: 3_600_000 });
  assert.deepEqual(countdownOf(reserva("ativa"), DURING), { key: "countdown.end", millis: 1_800_000 });
  assert.equal(countdownOf(reserva("ativa"), AFTER), null);
  assert.equal(countdownOf(reserva("cancelada"), BEFORE), null);
});

test("until when the posto waits is said as long as that is before the end, and true", () => {
  const [limit, minutes] = [Date.parse("2026-11-23T12:15:00.000Z"), { tolerancia_min: 15 }];
  assert.equal(arrivalLimit(reserva("ativa", minutes), BEFORE), limit);
  assert.equal(arrivalLimit(reserva("ativa", minutes), limit), limit);
  assert.equal(arrivalLimit(reserva("ativa", minutes), limit + 1), null, "the tolerance did not run all the time");
  for (const one of [
    reserva("ativa"),
    reserva("ativa", { tolerancia_min: 60 }),
    reserva("ativa", { ...minutes, aviso: "posto_ocupado" }),
    ...["cumprida", "cancelada", "nao_compareceu", "of_tomorrow"].map((status) => reserva(status, minutes)),
  ]) assert.equal(arrivalLimit(one, BEFORE), null, JSON.stringify(one));
  assert.equal(arrivalLimit(reserva("ativa", { ...minutes, aviso: "posto_livre" }), BEFORE), limit);
});

test("what can be done is what the API allows", () => {
  assert.deepEqual(allowed(reserva("ativa"), BEFORE), { cancel: true, change: true, changeInicio: true, changePosto: true });
  assert.deepEqual(allowed(reserva("ativa"), DURING), { cancel: true, change: true, changeInicio: false, changePosto: true });
  assert.deepEqual(allowed(reserva("cumprida"), DURING), { cancel: false, change: true, changeInicio: false, changePosto: false });
  assert.deepEqual(allowed(reserva("cancelada"), BEFORE), { cancel: false, change: false, changeInicio: false, changePosto: false });
});

test("every status, reason and notice has its texts in both languages", () => {
  const said = ["pt", "en"].map((language) => JSON.parse(readFileSync(new URL(`../${language}.json`, import.meta.url), "utf8")).script);
  const keys = new Set();
  for (const status of ["ativa", "cumprida", "encerrada", "nao_compareceu", "cancelada", "of_tomorrow"]) {
    for (const motivo of [undefined, "pedido", "operador", "manutencao", "posto_removido", "ausencia", "of_tomorrow"]) {
      for (const aviso of [undefined, "posto_ocupado", "posto_livre", "of_tomorrow"]) {
        for (const at of [BEFORE, DURING, AFTER]) {
          const one = reserva(status, { motivo, aviso });
          keys.add(statusKey(one, at)).add(sentenceKey(one, at)).add(warningKey(one, at)).add(countdownOf(one, at)?.key);
        }
      }
    }
  }
  for (const key of [...keys].filter(Boolean)) {
    for (const script of said) assert.ok(key in script, key);
  }
  assert.equal(sentenceKey(reserva("cancelada", { motivo: "manutencao" }), BEFORE), "sentence.cancelada.manutencao");
  assert.equal(warningKey(reserva("cancelada", { aviso: "posto_ocupado" }), DURING), null, "of one that is over nothing is to be known");
});

test("the page says of a reserva what its module says", () => {
  for (const language of ["pt", "en"]) {
    const { page, script } = JSON.parse(readFileSync(new URL(`../${language}.json`, import.meta.url), "utf8"));
    const pairs = {
      ativa_future: "sentence.ativa.future", ativa_current: "sentence.ativa.current", ativa_late: "sentence.ativa.late",
      cumprida_current: "sentence.cumprida.current", cumprida: "sentence.cumprida.over", encerrada: "sentence.encerrada",
      nao_compareceu: "sentence.nao_compareceu", cancelada: "sentence.cancelada", motivo_pedido: "sentence.cancelada.pedido",
      motivo_operador: "sentence.cancelada.operador", motivo_manutencao: "sentence.cancelada.manutencao",
      motivo_posto_removido: "sentence.cancelada.posto_removido", aviso_ocupado: "warning.posto_ocupado",
      aviso_livre: "warning.posto_livre", free_since: "free_since", arrive_by: "arrive_by", same_posto: "change.same",
    };
    for (const [name, key] of Object.entries(pairs)) assert.equal(page.reserva[name], script[key], `${language}: ${name}`);
    for (const state of ["free", "taken", "maintenance", "unreachable"]) assert.equal(page.common[state], script[`state.${state}`]);
    assert.equal(page.posto.wrong_fields, script["error.fields"]);
    // The list and the page name a state of time alike.
    for (const state of ["ativa.future", "ativa.current", "cumprida.current", "cumprida.over", "encerrada", "nao_compareceu"]) {
      assert.ok(script[`sentence.${state}`].startsWith(`${script[`status.${state}`]}: `), `${language}: ${state}`);
    }
  }
});

test("a period is from now, for some minutes or until a fim", () => {
  const empty = { inicio: "", fim: "", duracao: "" };
  assert.deepEqual(periodOf({ ...empty, duracao: "60" }, BEFORE), { fim: INICIO });
  const local = "2026-11-23T12:00";
  const begin = new Date(local);
  assert.deepEqual(periodOf({ ...empty, inicio: local, duracao: "30" }, BEFORE), {
    inicio: begin.toISOString(), fim: new Date(begin.getTime() + 1_800_000).toISOString(),
  });
  const fim = new Date("2026-11-24T08:00").toISOString();
  assert.deepEqual(periodOf({ ...empty, fim: "2026-11-24T08:00", duracao: "60" }, BEFORE), { fim }, "a fim comes before a duration");
  assert.deepEqual(periodOf(empty, BEFORE), {});
  assert.deepEqual(periodOf({ ...empty, inicio: "amanhã" }, BEFORE), { inicio: "amanhã" }, "the API says what is wrong");
});

test("a change asks for the fields that were changed", () => {
  const filled = { inicio: "2026-11-23T09:00", fim: "2026-11-23T10:00" };
  assert.deepEqual(changedPeriod({ ...filled }, filled), {});
  assert.deepEqual(changedPeriod({ inicio: "", fim: "2026-11-23T11:00" }, filled), { fim: new Date("2026-11-23T11:00").toISOString() });
  assert.deepEqual(changedPeriod({ inicio: "2026-11-23T08:30", fim: "" }, filled), { inicio: new Date("2026-11-23T08:30").toISOString() });
});

test("as long as its outcome is unknown, a repeat is the same request", () => {
  const attempt = new Attempt();
  let made = 0;
  const ask = (values) => attempt.next(values, () => ({ made: (made += 1) }));
  const first = ask({ placa: "A" });
  assert.deepEqual(first.body, { made: 1 });
  assert.ok(first.key.length >= 16, "the API wants keys that nobody guesses");
  attempt.failed(new ApiError(504, {}));
  attempt.failed(new ApiError(0, {}));
  assert.deepEqual(ask({ placa: "A" }), first);
  const other = ask({ placa: "B" });
  assert.notEqual(other.key, first.key);
  assert.deepEqual(other.body, { made: 2 });
  attempt.failed(new ApiError(409, { codigo: "posto_reservado" }));
  const again = ask({ placa: "B" });
  assert.notEqual(again.key, other.key, "the answer to the key before is that refusal for good");
  assert.equal(again.body.made, 3);
  attempt.failed(new ApiError(422, { codigo: "requisicao_invalida" }));
  for (const error of [new ApiError(503, { codigo: "broker_indisponivel" }), new PageError("error.not_done")]) {
    const before = ask({ placa: "B" });
    attempt.failed(error);
    assert.notEqual(ask({ placa: "B" }).key, before.key, "what was not done is asked for anew");
  }
  const open = ask({ placa: "B" });
  attempt.failed(new ApiError(0, {}));
  attempt.failed(new ApiError(502, {}));
  attempt.failed(new ApiError(503, {}), "a proxy may have passed it on");
  assert.deepEqual(ask({ placa: "B" }), open);
  attempt.failed(new ApiError(503, { codigo: "sobrecarregado" }));
  assert.deepEqual(ask({ placa: "B" }), open, "who refuses the repeat knows nothing of the first");
  attempt.failed(new ApiError(409, { codigo: "posto_reservado" }));
  const last = ask({ placa: "B" });
  assert.notEqual(last.key, open.key, "the servidor knows");
  const late = attempt.next({ placa: "B" }, () => ({ made: 0 }), Date.now() + 120_000);
  assert.notEqual(late.key, last.key, "an old body has an old fim");
});

/** Answers each request by the next of these, and returns what was asked. */
function answering(...answers) {
  const asked = [];
  globalThis.fetch = async (path, { method, headers }) => {
    asked.push([method, path, headers["idempotency-key"]]);
    const [status, body] = answers.shift();
    return new Response(JSON.stringify(body), { status });
  };
  return asked;
}

const late = [504, { request_id: "request-1", status: "erro", codigo: "tempo_esgotado", mensagem: "…" }];

test("after a 504 the servidor is asked what became of the request", async () => {
  const asked = answering(late, [503, { codigo: "servidor_indisponivel" }], [200, { request_id: "question", reserva: reserva("ativa") }]);
  const reply = await reserve({ server_id: "server1" }, "key");
  assert.deepEqual(asked, [
    ["POST", "reservar", "key"],
    ["GET", "reservas/request-1?server_id=server1", undefined],
    ["GET", "reservas/request-1?server_id=server1", undefined],
  ]);
  assert.equal(reply.request_id, "request-1", "the reserva's, not that of the question");
});

test("what was refused, or never arrived, is said so", async () => {
  answering(late, [409, { codigo: "posto_reservado", mensagem: "O posto já está reservado." }]);
  await assert.rejects(reserve({ server_id: "server1" }, "key"), { codigo: "posto_reservado" });
  answering(late, [404, { codigo: "reserva_inexistente" }]);
  await assert.rejects(reserve({ server_id: "server1" }, "key"), { key: "error.not_done" });
  answering([409, { codigo: "posto_em_manutencao" }]);
  await assert.rejects(reserve({ server_id: "server1" }, "key"), { codigo: "posto_em_manutencao" }, "without a 504 nothing is asked");
});

test("a cancellation that nobody has answered is repeated", async () => {
  const asked = answering(late, [200, { request_id: "question", reserva: reserva("cancelada") }]);
  await cancel("server1", "request-1");
  assert.deepEqual(asked.map(([method]) => method), ["POST", "POST"]);
});
