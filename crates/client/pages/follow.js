// Follows the reservas of this device. Browsers open six connections to one program, for all its pages
// together, so the soonest one has a stream, and the others are asked for now and then.
import { ApiError } from "./api.js";
import { consult, reservaPath } from "./actions.js";
import { Stream } from "./stream.js";

const MAX_STREAMS = 1;
const POLL_INTERVAL = 15_000;
/** How much later than a newer answer an older one may come. */
const MAX_LATENESS = 30_000;
/** After these a reserva is not asked for again. A refusal without a codigo is a proxy's, while the program restarts. */
const FINAL = ["reserva_inexistente", "nao_autenticado", "nao_autorizado"];

/**
 * @typedef {{ server_id: string, request_id: string }} Target
 * @typedef {{ onReserva: (target: Target, reserva: any) => void,
 *   onServidor?: (target: Target, servidor: { status: string, desde?: string }) => void,
 *   onRefused?: (target: Target, codigo: string) => void,
 *   onLive?: (target: Target, live: boolean, heard: number) => void }} Handlers
 *   `onRefused`: the API knows it no longer, or not from this device; said once, and no longer followed.
 */

const keyOf = (/** @type {Target} */ { server_id, request_id }) => `${server_id}/${request_id}`;

export class Follower {
  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    /** @type {Map<string, Stream>} */
    this.streams = new Map();
    /** @type {Target[]} */
    this.polled = [];
    /** Of those that are not asked for again. @type {Set<string>} */
    this.refused = new Set();
    /** The last `versao` of each, and since when it is known. @type {Map<string, { versao: number, at: number }>} */
    this.seen = new Map();
    /** The number of the last turn of each of those that are polled. @type {Map<string, number>} */
    this.turns = new Map();
    this.turn = 0;
    this.round = 0;
    this.timer = 0;
    document.addEventListener("visibilitychange", () => this.poll());
  }

  /** Follows these and no others; the soonest comes first. */
  follow(/** @type {Target[]} */ targets) {
    const open = targets.filter((target) => !this.refused.has(keyOf(target)));
    const streamed = open.slice(0, MAX_STREAMS);
    const keys = new Set(streamed.map(keyOf));
    for (const [key, stream] of this.streams) {
      if (!keys.has(key)) {
        stream.close();
        this.streams.delete(key);
      }
    }
    for (const target of streamed) {
      const key = keyOf(target);
      if (!this.streams.has(key)) this.streams.set(key, this.open(target));
    }
    const before = new Set(this.polled.map(keyOf));
    this.polled = open.slice(MAX_STREAMS);
    // A round that is under way goes on with those that are left.
    if (this.polled.some((target) => !before.has(keyOf(target)))) this.poll();
  }

  /** @param {Target} target */
  open(target) {
    const { onServidor, onLive } = this.handlers;
    return new Stream(reservaPath(target.request_id, target.server_id, "/eventos"), {
      onEvent: ({ event, data }) => {
        if (event === "reserva") this.take(target, JSON.parse(data));
        if (event === "servidor") onServidor?.(target, JSON.parse(data));
      },
      onLive: (live, heard) => onLive?.(target, live, heard),
      // 204: it has ended, and its last state has come.
      onEnd: (status, codigo) => status >= 400 && this.refuse(target, codigo),
    });
  }

  async poll() {
    clearTimeout(this.timer);
    this.round += 1;
    if (document.hidden || this.polled.length === 0) return;
    this.timer = setTimeout(() => this.poll(), POLL_INTERVAL);
    const { round } = this;
    const lastTurn = (/** @type {Target} */ target) => this.turns.get(keyOf(target)) ?? 0;
    // A round that slow servidores have cut short goes on with those that it has left out.
    for (const target of [...this.polled].sort((one, other) => lastTurn(one) - lastTurn(other))) {
      if (round !== this.round) return;
      if (!this.isPolled(target)) continue;
      this.turn += 1;
      this.turns.set(keyOf(target), this.turn);
      await this.ask(target);
    }
  }

  /** @param {Target} target */
  isPolled(target) {
    const key = keyOf(target);
    return this.polled.some((one) => keyOf(one) === key);
  }

  /** Asks now for one that has no stream, because something has happened to it. */
  askNow(/** @type {Target} */ target) {
    if (this.isPolled(target)) this.ask(target);
  }

  /** @param {Target} target */
  async ask(target) {
    try {
      const { reserva } = await consult(target.server_id, target.request_id);
      this.take(target, reserva);
    } catch (error) {
      // Without an answer it is asked again.
      if (error instanceof ApiError && FINAL.includes(error.codigo)) this.refuse(target, error.codigo);
    }
  }

  /** Takes what was sent or answered, unless it is older than what was taken before. @param {Target} target @param {any} reserva */
  take(target, reserva) {
    const { versao = 0 } = reserva;
    const seen = this.seen.get(keyOf(target));
    // Of the same servidor after a restore `versao` is lower too, and then it stays so.
    if (seen && versao < seen.versao && Date.now() - seen.at < MAX_LATENESS) return;
    if (seen?.versao !== versao) this.seen.set(keyOf(target), { versao, at: Date.now() });
    this.handlers.onReserva(target, reserva);
  }

  /** @param {Target} target @param {string} codigo */
  refuse(target, codigo) {
    const key = keyOf(target);
    if (this.refused.has(key)) return;
    this.refused.add(key);
    this.handlers.onRefused?.(target, codigo);
  }

  /** Forgets that the API has refused this one: another token may see it. Who calls this follows it again. */
  allow(/** @type {Target} */ target) {
    const key = keyOf(target);
    this.refused.delete(key);
    this.streams.get(key)?.close();
    this.streams.delete(key);
  }
}
