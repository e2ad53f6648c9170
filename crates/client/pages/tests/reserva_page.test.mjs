import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FakeElement, fakeClock, fakePage } from "./fake_page.mjs";
import { FakeStorage } from "./shared.mjs";

const [INICIO, FIM] = ["2126-11-23T12:00:00.000Z", "2126-11-23T13:00:00.000Z"];
const reserva = { posto_id: 5, placa: "ABC1D23", status: "ativa", inicio: INICIO, fim: FIM, versao: 2 };
const { script } = JSON.parse(readFileSync(new URL("../pt.json", import.meta.url), "utf8"));

Object.assign(FakeElement.prototype, { after: () => {}, contains: () => false, querySelectorAll: () => [] });
globalThis.sessionStorage = new FakeStorage();
globalThis.localStorage = new FakeStorage();
globalThis.location = new URL("http://host/reserva?server_id=server1&request_id=request-1");

const input = (value) => Object.assign(new FakeElement("input"), { value, type: "text", disabled: false });
const form = (fields) => Object.assign(new FakeElement("form"), { elements: { namedItem: (name) => fields[name] ?? null } });

/** Opens the page with these fields, lets the first event come, and returns what the fields have then. */
async function afterFirstEvent({ isRefused, ...typed }) {
  const fields = Object.fromEntries(Object.entries(typed).map(([name, value]) => [name, input(value)]));
  const parts = new Map(["status", "placa", "posto"].map((name) => [`[data-field="${name}"]`, new FakeElement("dd")]));
  const article = Object.assign(new FakeElement("article"), { querySelector: (selector) => parts.get(selector) ?? null });
  Object.assign(article.dataset, { serverId: "server1", requestId: "request-1", postoId: "5", inicio: INICIO, fim: FIM });
  Object.assign(parts.get('[data-field="posto"]'), { textContent: "Ponto 5", dataset: { known: "" } });
  const errors = Object.assign(new FakeElement("div"), { hidden: !isRefused });
  const others = ["live", "main", "keep-address", "change-section", "cancel-section", "notices"].map((id) => [id, new FakeElement("div")]);
  const listeners = fakePage({ reserva: article, change: form(fields), cancel: form({}), errors, ...Object.fromEntries(others) }, script);
  document.body = { dataset: {} };
  let send = () => {};
  globalThis.fetch = async () => {
    const body = new ReadableStream({ start: (stream) => { send = (text) => stream.enqueue(new TextEncoder().encode(text)); } });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  await import(`../reserva.js?${isRefused}`);
  await new Promise(setImmediate);
  send(`event: reserva\ndata: ${JSON.stringify(reserva)}\n\n`);
  while (parts.get('[data-field="placa"]').textContent === "") await new Promise(setImmediate);
  // It closes the stream.
  listeners.get("pagehide")();
  return Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value]));
}

test("what was typed and refused stays when the first event comes", async (t) => {
  fakeClock(t, Date.parse("2126-11-23T09:00:00.000Z"));
  const typed = { inicio: "2126-11-24T10:00", fim: "2126-11-24T11:00", posto_id: "7" };
  assert.deepEqual(await afterFirstEvent({ isRefused: true, ...typed }), typed);
  const { localInput } = await import("../../../service/pages/format.js");
  const filled = { inicio: localInput(INICIO), fim: localInput(FIM), posto_id: "" };
  assert.deepEqual(await afterFirstEvent({ isRefused: false, ...typed }), filled, "without a refusal, the fields are those of the reserva");
});
