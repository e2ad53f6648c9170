import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import "./shared.mjs";

const listeners = new Map();
globalThis.document = { hidden: false, addEventListener: (name, listener) => listeners.set(name, listener) };
globalThis.addEventListener = (name, listener) => listeners.set(name, listener);
const { Stream } = await import("../../../service/pages/stream.js");
const { Follower } = await import("../follow.js");

let asked = [];
let answers = [];
const open = [];
beforeEach(() => {
  [asked, answers] = [[], []];
  document.hidden = false;
});
after(() => open.forEach((one) => one.close()));

globalThis.fetch = async (path, { signal }) => {
  asked.push(path);
  const answer = answers.shift() ?? { text: "retry: 2000\n\n" };
  if (answer.status) return new Response(JSON.stringify(answer.body), { status: answer.status });
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(answer.text));
      if (answer.ends) controller.close();
      signal.addEventListener("abort", () => {
        try { controller.error(new Error("aborted")); } catch { /* it has ended */ }
      });
    },
  });
  return new Response(body, { headers: { "content-type": answer.type ?? "text/event-stream" } });
};

/** A stream, with what it has said. */
function listen() {
  const said = { events: [], live: [], ends: [] };
  const stream = new Stream("eventos", {
    onEvent: ({ event, data }) => {
      if (data === "wrong") throw new Error("a fault of the page");
      said.events.push([event, data]);
    },
    onLive: (live) => said.live.push(live),
    onEnd: (...end) => said.ends.push(end),
  });
  open.push(stream);
  return { stream, said };
}
const soon = () => new Promise((resume) => setTimeout(resume, 20));

test("a refusal of the API is final, one of a proxy is not", async () => {
  answers = [{ status: 404, body: { codigo: "reserva_inexistente" } }];
  const refused = listen();
  await soon();
  assert.deepEqual([refused.said.ends, refused.stream.isClosed], [[[404, "reserva_inexistente"]], true]);
  answers = [{ status: 404, body: "no backend" }];
  const waiting = listen();
  await soon();
  assert.deepEqual([waiting.said.ends, waiting.stream.isClosed], [[], false]);
});

test("the page of a portal is no stream", async () => {
  answers = [{ text: "<!doctype html><p>Sign in</p>", type: "text/html", ends: true }];
  const { stream, said } = listen();
  await soon();
  assert.deepEqual([said.live, said.ends, stream.isClosed], [[], [], false]);
});

test("a stream that ends before it has said anything is asked for less and less often", async () => {
  answers = [{ text: "retry: 2000\n\n", ends: true }, { text: "retry: 2000\n\n: ping\n\n", ends: true }];
  const { stream } = listen();
  await soon();
  assert.equal(stream.retry, 2000);
  stream.resume();
  await soon();
  // It was 1000 again, before it ended.
  assert.equal(stream.retry, 2000);
  answers = [{ text: "retry: 2000\n\n", ends: true }];
  stream.resume();
  await soon();
  assert.equal(stream.retry, 4000);
});

test("who is told that nothing comes is told when the last bytes came", async (t) => {
  const heard = [];
  answers = [{ text: ": ping\n\n" }];
  const stream = new Stream("eventos", { onEvent: () => {}, onLive: (live, at) => heard.push([live, at]) });
  open.push(stream);
  await soon();
  const [[, at]] = heard;
  t.mock.method(Date, "now", () => at + 60_000);
  stream.pause();
  assert.deepEqual(heard, [[true, at], [false, at]]);
});

test("a fault of the page in one event is reported, and the next events are read", async (t) => {
  const faults = [];
  const { setTimeout: later } = globalThis;
  // What is thrown there is reported by a browser, and ends Node.
  t.mock.method(globalThis, "setTimeout", (run, ...rest) => (rest.length > 0 ? later(run, ...rest) : faults.push(run)));
  answers = [{ text: "event: posto\ndata: wrong\n\nevent: posto\ndata: right\n\n" }];
  const { said } = listen();
  await soon();
  assert.deepEqual(said.events, [["posto", "right"]]);
  assert.equal(faults.length, 1);
  assert.throws(faults[0], /a fault of the page/);
  assert.deepEqual(said.live, [true]);
});

test("a hidden page holds no connection, and one that is shown again does", async () => {
  const { said } = listen();
  await soon();
  document.hidden = true;
  listeners.get("visibilitychange")();
  assert.deepEqual(said.live, [true, false]);
  document.hidden = false;
  listeners.get("visibilitychange")();
  await soon();
  assert.deepEqual([said.live, asked.length], [[true, false, true], 2]);
});

test("every reserva is followed, whatever is done with the answers", async () => {
  const targets = [1, 2, 3, 4].map((number) => ({ server_id: "server1", request_id: `request-${number}` }));
  const reply = (number) => ({ status: 200, body: { reserva: { id: number, versao: 1 } } });
  answers = [{ text: "event: reserva\ndata: {\"id\":1}\n\n" }, reply(2), reply(3), reply(4)];
  const seen = [];
  const follower = new Follower({
    onReserva: (target, { id }) => {
      seen.push([target.request_id, id]);
      follower.follow([...targets]);
    },
  });
  follower.follow(targets);
  await soon();
  assert.deepEqual(seen.sort(), [["request-1", 1], ["request-2", 2], ["request-3", 3], ["request-4", 4]]);
  assert.equal(asked.filter((path) => path.includes("/eventos")).length, 1);
  follower.follow([]);
});

test("a reserva that the API refuses is not asked for again, and that is said once", async () => {
  const targets = [1, 2, 3].map((number) => ({ server_id: "server1", request_id: `request-${number}` }));
  const refusal = (codigo) => ({ status: codigo === "nao_autenticado" ? 401 : 404, body: { codigo } });
  answers = [refusal("nao_autenticado"), refusal("reserva_inexistente"), { status: 200, body: { reserva: { id: 3, versao: 1 } } }];
  const refused = [];
  const follower = new Follower({
    onReserva: () => {},
    onRefused: ({ request_id }, codigo) => {
      refused.push([request_id, codigo]);
      follower.follow([...targets]);
    },
  });
  follower.follow(targets);
  await soon();
  assert.deepEqual(refused.sort(), [["request-1", "nao_autenticado"], ["request-2", "reserva_inexistente"]]);
  // The stream of the first is that of the one that is left.
  answers = [{ text: ": ping\n\n" }];
  asked.length = 0;
  follower.follow(targets);
  await soon();
  follower.poll();
  await soon();
  assert.deepEqual(asked.filter((path) => !path.includes("request-3")), []);
  assert.equal(refused.length, 2);
  follower.follow([]);
});

test("slow servidores keep no turn from those behind them", () => {
  const targets = [1, 2, 3, 4].map((number) => ({ server_id: "server1", request_id: `request-${number}` }));
  const follower = new Follower({ onReserva: () => {} });
  const turns = [];
  follower.ask = ({ request_id }) => {
    turns.push(request_id);
    return new Promise(() => {});
  };
  answers = [{ text: ": ping\n\n" }];
  follower.follow(targets);
  for (let rounds = 0; rounds < 4; rounds += 1) follower.poll();
  assert.deepEqual(turns, ["request-2", "request-3", "request-4", "request-2", "request-3"]);
  follower.follow([]);
});

test("with another token the API is asked again for what it has refused", async () => {
  const target = { server_id: "server1", request_id: "request-1" };
  answers = [{ status: 401, body: { codigo: "nao_autenticado" } }, { text: "event: reserva\ndata: {\"id\":1}\n\n" }];
  const seen = [];
  const follower = new Follower({ onReserva: (_, { id }) => seen.push(id), onRefused: (_, codigo) => seen.push(codigo) });
  follower.follow([target]);
  await soon();
  follower.allow(target);
  follower.follow([target]);
  await soon();
  assert.deepEqual(seen, ["nao_autenticado", 1]);
  follower.follow([]);
});

test("what was sent before an answer is no news, but a servidor may be restored", () => {
  const seen = [];
  const follower = new Follower({ onReserva: (_, { versao }) => seen.push(versao) });
  const target = { server_id: "server1", request_id: "request-1" };
  follower.take(target, { versao: 3 });
  follower.take(target, { versao: 2 });
  follower.take(target, { versao: 3 });
  follower.take(target, { versao: 4 });
  assert.deepEqual(seen, [3, 3, 4]);
  const { now } = Date;
  try {
    Date.now = () => now() + 60_000;
    follower.take(target, { versao: 1 });
  } finally {
    Date.now = now;
  }
  assert.deepEqual(seen, [3, 3, 4, 1], "for a minute nothing newer has come");
});
