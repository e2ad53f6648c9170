// Server-Sent Events by fetch: a token travels in a header, which EventSource cannot send, and so it is
// never part of an address.
import { authorization, noteTime, now } from "./api.js";

/** Longer than the ping of the API, so that a connection that has died silently is noticed. */
const SILENCE_TIMEOUT = 40_000;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30_000;
/** What comes when nothing has happened. */
const PING = ": ping";

/**
 * @typedef {{ event: string, data: string, id: string }} ServerEvent
 */

/**
 * Reads the stream at `path` for as long as it is open and the page is visible, and reconnects by
 * itself. A hidden page closes it, because browsers allow few connections to one program.
 */
export class Stream {
  /**
   * @param {string} path
   * @param {{ onEvent: (event: ServerEvent) => void, onLive?: (live: boolean, heard: number) => void, onEnd?: (status: number, codigo: string) => void }} handlers
   *   `onLive` says when events come and when they do not, and when the last bytes came; `onEnd` that the
   *   API has no more to send, or refuses with a codigo, after which it is not asked again.
   */
  constructor(path, { onEvent, onLive = () => {}, onEnd = () => {} }) {
    this.path = path;
    this.onEvent = onEvent;
    this.onLive = onLive;
    this.onEnd = onEnd;
    this.lastId = "";
    this.isLive = false;
    /** When the last bytes came, by the clock of the program. */
    this.heard = 0;
    this.isClosed = false;
    this.retry = FIRST_RETRY;
    /** @type {AbortController | null} */
    this.reading = null;
    this.timer = 0;
    this.listeners = new AbortController();
    const listen = { signal: this.listeners.signal };
    const look = () => (document.hidden ? this.pause() : this.resume());
    document.addEventListener("visibilitychange", look, listen);
    addEventListener("online", look, listen);
    // A connection within the device outlives the network; any other fails at once when it is tried.
    addEventListener("offline", () => {
      this.pause();
      look();
    }, listen);
    // A page that the browser keeps for the back button holds no connection.
    addEventListener("pagehide", () => this.pause(), listen);
    addEventListener("pageshow", look, listen);
    look();
  }

  close() {
    this.isClosed = true;
    this.listeners.abort();
    this.pause();
  }

  pause() {
    clearTimeout(this.timer);
    this.reading?.abort();
    this.reading = null;
    this.setLive(false);
  }

  resume() {
    if (this.isClosed || this.reading) return;
    clearTimeout(this.timer);
    const reading = new AbortController();
    this.reading = reading;
    this.read(reading).then(
      ({ status, codigo }) => this.ended(reading, status, codigo),
      () => this.ended(reading, 0, ""),
    );
  }

  /** @param {AbortController} reading @param {number} status @param {string} codigo */
  ended(reading, status, codigo) {
    if (this.reading !== reading) return;
    this.reading = null;
    this.setLive(false);
    if (this.isClosed) return;
    // A refusal without a codigo is of a proxy, while the program restarts.
    const refuses = status >= 400 && status < 500 && status !== 408 && status !== 429 && codigo !== "";
    if (status === 204 || refuses) {
      this.close();
      this.onEnd(status, codigo);
      return;
    }
    // Pages that lost the same program do not all come back in the same moment.
    this.timer = setTimeout(() => this.resume(), this.retry * (0.5 + Math.random()));
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY);
  }

  /**
   * Returns the status of the answer when it has ended, with the codigo of a refusal.
   * @param {AbortController} reading
   */
  async read(reading) {
    let silence = setTimeout(() => reading.abort(), SILENCE_TIMEOUT);
    const begun = Date.now();
    try {
      const headers = { accept: "text/event-stream", ...authorization() };
      if (this.lastId) headers["last-event-id"] = this.lastId;
      const response = await fetch(this.path, { headers, signal: reading.signal, cache: "no-store", credentials: "omit" });
      noteTime(response, begun);
      const { status, body } = response;
      if (status >= 400) return { status, codigo: String((await response.json().catch(() => null))?.codigo ?? "") };
      // The page of a portal, at which somebody is to sign in to a network, is no stream.
      const isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
      if (status !== 200 || !body || !isStream) return { status, codigo: "" };
      const parser = new EventParser();
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { status, codigo: "" };
        clearTimeout(silence);
        silence = setTimeout(() => reading.abort(), SILENCE_TIMEOUT);
        this.heard = now();
        this.setLive(true);
        const events = parser.push(value);
        // What ends before it has said anything, again and again, is asked less and less often.
        if (events.length > 0 || value.includes(PING)) this.retry = FIRST_RETRY;
        for (const event of events) {
          if (event.id) this.lastId = event.id;
          this.handle(event);
        }
      }
    } finally {
      clearTimeout(silence);
      // Whatever was not read of it is not wanted, and holds its connection.
      reading.abort();
    }
  }

  /** @param {ServerEvent} event */
  handle(event) {
    try {
      this.onEvent(event);
    } catch (error) {
      // A fault of the page is reported as one, and the events after it are read.
      setTimeout(() => { throw error; });
    }
  }

  /** @param {boolean} live */
  setLive(live) {
    if (this.isLive === live) return;
    this.isLive = live;
    this.onLive(live, this.heard);
  }
}

/** Puts events together from parts of a stream, however it was cut. */
export class EventParser {
  constructor() {
    /** The parts of the line that has not ended. @type {string[]} */
    this.rest = [];
    this.reset();
  }

  reset() {
    this.event = "";
    this.id = "";
    /** @type {string[]} */
    this.data = [];
  }

  /** @param {string} part @returns {ServerEvent[]} */
  push(part) {
    this.rest.push(part);
    // A list of thousands of postos is one line, which comes in very many parts.
    if (!/[\r\n]/.test(part)) return [];
    const lines = this.rest.join("").split(/\r\n|\n|\r(?!$)/);
    this.rest = [lines.pop() ?? ""];
    return lines.flatMap((line) => this.line(line));
  }

  /** @param {string} line @returns {ServerEvent[]} */
  line(line) {
    if (line === "") {
      const { event, id, data } = this;
      this.reset();
      return data.length === 0 ? [] : [{ event: event || "message", id, data: data.join("\n") }];
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    if (field === "id") this.id = value;
    if (field === "data") this.data.push(value);
    return [];
  }
}
