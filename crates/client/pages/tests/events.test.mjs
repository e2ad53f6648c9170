import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../../../service/pages/stream.js";
import { Postos } from "../postos.js";

const estado = (postos, status = "online", server_id = "server1") => ({ server_id, status, postos });
const posto = (id, fields = {}) => ({
  id, nome: `Ponto ${id}`, localizacao: "-23.5540,-46.6370", potencia_maxima: 22, tipo_conector: "CCS",
  preco_kwh: 2.5, disponivel: true, em_manutencao: false, ...fields,
});
const states = (postos) => postos.all().map(({ posto_id, state }) => [posto_id, state]);

test("events are the same however the stream is cut", () => {
  const stream = "retry: 2000\n\n: ping\n\nevent: posto\r\nid: 3\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: x\n\n";
  const expected = [{ event: "posto", id: "3", data: "{\"a\":\n1}" }, { event: "message", id: "", data: "x" }];
  for (let size = 1; size <= stream.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    assert.deepEqual(events, expected, `in parts of ${size}`);
  }
});

test("an estado says how every posto of a servidor is", () => {
  const postos = new Postos();
  postos.apply("estado", estado([
    posto(1), posto(2, { disponivel: false }), posto(3, { disponivel: false, em_manutencao: true }),
  ]));
  assert.deepEqual(states(postos), [[1, "free"], [2, "taken"], [3, "maintenance"]]);
  const { lat, lon } = postos.find("server1", 1);
  assert.deepEqual([lat, lon], [-23.554, -46.637]);
});

test("a posto that is not in the estado any more is gone, and one that is the same stays the same object", () => {
  const postos = new Postos();
  postos.apply("estado", estado([posto(1), posto(2)]));
  const before = postos.find("server1", 1);
  postos.apply("estado", estado([posto(1), posto(3)]));
  assert.deepEqual(states(postos), [[1, "free"], [3, "free"]]);
  assert.equal(postos.find("server1", 1), before);
  postos.apply("estado", estado([posto(1, { preco_kwh: 3 }), posto(3)]));
  assert.notEqual(postos.find("server1", 1), before);
});

test("nobody knows how many postos there are until every servidor has said which it has", () => {
  const postos = new Postos();
  assert.equal(postos.isComplete(), true, "there is none that could be asked");
  postos.apply("servidor", { server_id: "server1", status: "offline" });
  assert.equal(postos.isComplete(), false);
  postos.apply("servidor", { server_id: "server1", status: "online" });
  assert.equal(postos.isComplete(), false, "it is there, and has said nothing yet");
  postos.apply("estado", estado([]));
  assert.equal(postos.isComplete(), true);
});

test("an event changes one posto of one servidor", () => {
  const postos = new Postos();
  postos.apply("estado", estado([posto(1)]));
  postos.apply("estado", estado([posto(1)], "online", "server2"));
  postos.apply("posto", { server_id: "server2", posto_id: 1, disponivel: false, em_manutencao: false });
  assert.equal(postos.find("server1", 1).state, "free");
  assert.equal(postos.find("server2", 1).state, "taken");
  postos.apply("posto", { server_id: "server3", posto_id: 1, disponivel: true, em_manutencao: false });
  postos.apply("of tomorrow", {});
  assert.equal(postos.all().length, 2);
});

test("the postos of a servidor that is away are unreachable until it has said how they are", () => {
  const postos = new Postos();
  postos.apply("estado", estado([posto(1), posto(2, { disponivel: false })]));
  postos.apply("servidor", { server_id: "server1", status: "offline", desde: "2026-11-23T12:30:00Z" });
  assert.deepEqual(states(postos), [[1, "unreachable"], [2, "unreachable"]]);
  // A late event of before.
  postos.apply("posto", { server_id: "server1", posto_id: 1, disponivel: true, em_manutencao: false });
  assert.deepEqual(states(postos), [[1, "unreachable"], [2, "unreachable"]]);
  postos.apply("servidor", { server_id: "server1", status: "online", desde: "2026-11-23T12:31:00Z" });
  assert.deepEqual(states(postos), [[1, "unreachable"], [2, "unreachable"]]);
  assert.equal(postos.servidor("server1").isListed, false);
  postos.apply("estado", estado([posto(1), posto(2, { disponivel: false })]));
  assert.deepEqual(states(postos), [[1, "free"], [2, "taken"]]);
});

test("the list of servidores adds and removes, and leaves to events whether one is online", () => {
  const postos = new Postos();
  postos.apply("estado", estado([posto(1)]));
  postos.apply("servidor", { server_id: "server1", status: "offline", desde: "2026-11-23T12:30:00Z" });
  postos.apply("estado", estado([posto(7)], "online", "removed"));
  const known = new Set(postos.servidores.keys());
  postos.apply("estado", estado([posto(8)], "online", "came meanwhile"));
  postos.takeServidores([
    { server_id: "server1", status: "online", desde: "2026-11-23T12:00:00Z" },
    { server_id: "new", status: "online", desde: "2026-11-23T12:00:00Z" },
  ], known);
  assert.deepEqual([...postos.servidores.keys()], ["server1", "came meanwhile", "new"]);
  assert.equal(postos.servidor("server1").isOnline, false);
  assert.equal(postos.servidor("server1").desde, "2026-11-23T12:30:00Z");
});

test("the HTML comes first: a posto of a servidor that is away says so of it", () => {
  const postos = new Postos();
  const known = { key: "server1/1", server_id: "server1", posto_id: 1, nome: "Ponto 1", lat: NaN, lon: NaN, power: 22, price: 2.5, connector: "CCS" };
  postos.add({ ...known, state: "unreachable" });
  assert.equal(postos.servidor("server1").isOnline, false);
  postos.apply("estado", estado([posto(1, { localizacao: "" })]));
  assert.equal(postos.find("server1", 1).state, "free");
  assert.ok(Number.isNaN(postos.find("server1", 1).lat));
});

test("after a gap the postos are those of before until each servidor has said how they are", () => {
  const postos = new Postos();
  postos.apply("estado", estado([posto(1)]));
  postos.apply("estado", estado([posto(1)], "online", "server2"));
  postos.expectEstados();
  postos.apply("estado", estado([posto(1, { disponivel: false })]));
  assert.deepEqual([...postos.servidores.values()].map(({ isListed }) => isListed), [true, false]);
  assert.equal(postos.find("server1", 1).state, "taken");
});
