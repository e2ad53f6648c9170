// Follows the reservas of this device. Browsers open six connections to one program, for all its pages
// together, so the soonest one has a stream, and the others are asked for now and then.
import { ApiError } from "./api.js";
import { consult, reservaPath } from "./actions.js";
import { Stream } from "./stream.js";

const MAX_STREAMS = 1;
const POLL_INTERVAL = 15_000;
/** What ends a poll; without a codigo it is of a proxy, while the program restarts. */
const FINAL = ["reserva_inexistente", "nao_autenticado", "nao_autorizado"];

/**
 * @typedef {{ server_id: string, request_id: string }} Target
 * @typedef {{ onReserva: (target: Target, reserva: any) => void,
 *   onServidor?: (target: Target, servidor: { status: string, desde?: string }) => void,
 *   onRefused?: (target: Target, codigo: string) => void,
 *   onLive?: (target: Target, live: boolean) => void }} Handlers
 *   `onRefused`: the API knows it no longer, or not from this device.
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
    this.timer = 0;
    document.addEventListener("visibilitychange", () => this.poll());
  }

  /** Follows these and no others; the soonest comes first. */
  follow(/** @type {Target[]} */ targets) {
    const streamed = targets.slice(0, MAX_STREAMS);
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
    const polled = targets.slice(MAX_STREAMS);
    // A round that is under way goes on where nothing has changed.
    if (polled.map(keyOf).join() === this.polled.map(keyOf).join()) return;
    this.polled = polled;
    this.poll();
  }

  /** @param {Target} target */
  open(target) {
    const { onReserva, onServidor, onRefused, onLive } = this.handlers;
    return new Stream(reservaPath(target.request_id, target.server_id, "/eventos"), {
      onEvent: ({ event, data }) => {
        if (event === "reserva") onReserva(target, JSON.parse(data));
        if (event === "servidor") onServidor?.(target, JSON.parse(data));
      },
      onLive: (live) => onLive?.(target, live),
      // 204: it has ended, and its last state has come.
      onEnd: (status, codigo) => status >= 400 && onRefused?.(target, codigo),
    });
  }

  async poll() {
    clearTimeout(this.timer);
    if (document.hidden || this.polled.length === 0) return;
    this.timer = setTimeout(() => this.poll(), POLL_INTERVAL);
    const targets = this.polled;
    for (const target of targets) {
      if (targets !== this.polled) return;
      await this.ask(target);
    }
  }

  /** Asks now for one that has no stream, because something has happened to it. */
  askNow(/** @type {Target} */ target) {
    const key = keyOf(target);
    if (this.polled.some((one) => keyOf(one) === key)) this.ask(target);
  }

  /** @param {Target} target */
  async ask(target) {
    try {
      const { reserva } = await consult(target.server_id, target.request_id);
      this.handlers.onReserva(target, reserva);
    } catch (error) {
      // Without an answer it is asked again.
      if (error instanceof ApiError && FINAL.includes(error.codigo)) this.handlers.onRefused?.(target, error.codigo);
    }
  }
}
