import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { canRemember, forgetCar, rememberCar, rememberedCar } from "../car.js";
import { changesOf, findKept, forgetKept, keepAgreed, keptReservas, updateKept } from "../kept.js";
import { FakeStorage } from "./shared.mjs";

beforeEach(() => { globalThis.localStorage = new FakeStorage(); });
afterEach(() => { delete globalThis.localStorage; });

const car = { placa: "ABC1D23", modelo: "BYD Dolphin", capacidade_bateria: "44,9", taxa_descarga: "0,15" };
const reserva = (fields = {}) => ({
  id: 1, posto_id: 5, placa: "ABC1D23", inicio: "2026-11-23T12:00:00.000Z", fim: "2026-11-23T13:00:00.000Z",
  status: "ativa", desde: "2026-11-23T11:00:00.000Z", preco_kwh: 2.5, versao: 1, ...fields,
});

test("the car is kept as it was typed, without how full it is, and forgotten", () => {
  assert.equal(rememberedCar(), null);
  assert.ok(canRemember());
  assert.ok(rememberCar({ ...car, nivel_bateria_atual: "10", server_id: "server1" }));
  assert.deepEqual(rememberedCar(), car);
  forgetCar();
  assert.equal(rememberedCar(), null);
});

test("what another program has left there is no car and no reserva", () => {
  for (const text of ["{", "3", "{\"placa\":1}", "{\"placa\":\"\",\"modelo\":\"\"}", "[{},null,1]"]) {
    localStorage.setItem("postos.carro", text);
    localStorage.setItem("postos.reservas", text);
    assert.equal(rememberedCar(), null);
    assert.deepEqual(keptReservas(), []);
  }
});

test("where storage is forbidden nothing is kept, and nothing fails", () => {
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get() { throw new Error("SecurityError"); } });
  assert.equal(canRemember(), false);
  assert.equal(rememberCar(car), false);
  assert.equal(rememberedCar(), null);
  keepAgreed("server1", "request-1", reserva(), "Ponto 5");
  assert.deepEqual(keptReservas(), []);
});

test("reservas are kept with the soonest first, each once, and forgotten", () => {
  keepAgreed("server1", "late", reserva({ inicio: "2026-11-24T12:00:00.000Z", fim: "2026-11-24T13:00:00.000Z" }), "Ponto 5");
  keepAgreed("server1", "soon", reserva(), "Ponto 5");
  keepAgreed("server1", "soon", reserva({ versao: 2 }), "Ponto 5");
  assert.deepEqual(keptReservas().map(({ request_id }) => request_id), ["soon", "late"]);
  forgetKept("server2", "soon");
  forgetKept("server1", "late");
  assert.deepEqual(keptReservas().map(({ request_id, versao }) => [request_id, versao]), [["soon", 2]]);
});

test("what somebody else changes is news until the driver agrees to it", () => {
  keepAgreed("server1", "request-1", reserva(), "Ponto 5");
  assert.deepEqual(changesOf(findKept("server1", "request-1")), { posto: false, period: false });
  updateKept("server1", "request-1", reserva({ posto_id: 6, versao: 2 }), "Ponto 6");
  const moved = findKept("server1", "request-1");
  assert.deepEqual(changesOf(moved), { posto: true, period: false });
  assert.deepEqual([moved.nome, moved.agreed.nome], ["Ponto 6", "Ponto 5"]);
  keepAgreed("server1", "request-1", reserva({ posto_id: 6, versao: 2 }), "Ponto 6");
  assert.deepEqual(changesOf(findKept("server1", "request-1")), { posto: false, period: false });
});

test("a posto that is not known has no name, least of all that of another", () => {
  keepAgreed("server1", "request-1", reserva(), "Ponto 5");
  assert.equal(updateKept("server1", "request-1", reserva({ posto_id: 6 })).nome, "");
  assert.equal(updateKept("server1", "request-1", reserva({ posto_id: 5 })).nome, "Ponto 5");
  assert.equal(updateKept("server1", "unknown", reserva()), undefined);
  assert.equal(keptReservas().length, 1);
});

test("a notice that is over goes", () => {
  keepAgreed("server1", "request-1", reserva(), "Ponto 5");
  updateKept("server1", "request-1", reserva({ aviso: "posto_ocupado" }));
  assert.equal(findKept("server1", "request-1").aviso, "posto_ocupado");
  updateKept("server1", "request-1", reserva());
  assert.equal(findKept("server1", "request-1").aviso, undefined);
});
