import assert from "node:assert/strict";
import { test } from "node:test";
import { isSameConnector, matches, ordered, readFilters, writeFilters } from "../filters.js";
import { kilometres } from "../position.js";

const read = (query) => readFilters(new URLSearchParams(query));
const posto = (posto_id, fields = {}) => ({
  key: `server1/${posto_id}`, server_id: "server1", posto_id, nome: `Ponto ${posto_id}`, lat: NaN, lon: NaN,
  power: 22, price: 2.5, connector: "CCS", state: "free", ...fields,
});

test("an address is read and written alike", () => {
  for (const query of ["", "?tipo_conector=CCS&disponivel=true", "?server_id=server1&potencia_minima=11%2C5&ordem=preco&pagina=2"]) {
    assert.equal(writeFilters(read(query)), query);
  }
  assert.equal(writeFilters(read("?ordem=nome&pagina=1&utm_source=x")), "", "what is so by itself is not written");
});

test("each filter takes away what does not fit", () => {
  const is = (query, fields) => matches(posto(1, fields), read(query));
  assert.ok(is("", {}));
  assert.ok(is("tipo_conector=CCS", {}));
  assert.ok(is("tipo_conector=ccs", {}));
  assert.ok(!is("tipo_conector=CHAdeMO", {}));
  assert.ok(!is("server_id=server2", {}));
  assert.ok(is("potencia_minima=22", {}));
  assert.ok(is("potencia_minima=21,5", {}));
  assert.ok(!is("potencia_minima=22.5", {}));
  assert.ok(is("potencia_minima=muita", {}), "a value that is no number asks for nothing");
  assert.ok(is("disponivel=true", {}));
  for (const state of ["taken", "maintenance", "unreachable"]) assert.ok(!is("disponivel=true", { state }));
});

test("the order is by name as people count, by price, by power or by distance", () => {
  const postos = [
    posto(10, { price: 1, power: 7 }), posto(2, { price: 3, power: 150, lat: 0, lon: 1 }), posto(1, { lat: 0, lon: 2 }),
  ];
  const ids = (ordem, from) => ordered(postos, ordem, (one) => (from ? kilometres(from, one) : NaN)).map(({ posto_id }) => posto_id);
  assert.deepEqual(ids("nome"), [1, 2, 10]);
  assert.deepEqual(ids(""), [1, 2, 10]);
  assert.deepEqual(ids("preco"), [10, 1, 2]);
  assert.deepEqual(ids("potencia"), [2, 1, 10]);
  assert.deepEqual(ids("distancia", { lat: 0, lon: 0 }), [2, 1, 10], "one without a place is the last");
  assert.deepEqual(ids("distancia"), [1, 2, 10], "without a position by name");
});

test("distances are great circles", () => {
  const paulista = { lat: -23.5614, lon: -46.6559 };
  const galeao = { lat: -22.81, lon: -43.2506 };
  assert.equal(Math.round(kilometres(paulista, galeao)), 358);
  assert.equal(kilometres(paulista, paulista), 0);
  assert.equal(Math.round(kilometres({ lat: 0, lon: 179.5 }, { lat: 0, lon: -179.5 })), 111, "across the date line");
  assert.ok(Number.isNaN(kilometres(paulista, { lat: NaN, lon: 0 })));
});

test("what nobody sees makes no other connector", () => {
  for (const same of ["tipo 2", "Tipo\u00a02", "Tipo  2", "Tipo\u200b 2", " TIPO 2\u200b "]) assert.ok(isSameConnector("Tipo 2", same), same);
  assert.ok(isSameConnector("Trifásico", "TRIFÁSICO"));
  for (const other of ["Tipo2", "Tipo 2 CCS", "Tipo", ""]) assert.ok(!isSameConnector("Tipo 2", other), other);
});
