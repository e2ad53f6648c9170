// Server-Sent Events by fetch: a token travels in a header, which EventSource cannot send, and so it is
// never part of an address.
import { authorization, noteTime } from "./api.js";

/** Longer than the ping of the API, so that a connection that is dead without a word is noticed. */
const SILENCE = 40_000;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30_000;

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
   * @param {{ onEvent: (event: ServerEvent) => void, onLive?: (live: boolean) => void, onEnd?: (status: number) => void }} handlers
   *   `onLive` says when events come and when they do not; `onEnd` that the API has no more to send, or
   *   refuses (a status of 400 or more but 429 and 503), after which it is not asked again.
   */
  constructor(path, { onEvent, onLive = () => {}, onEnd = () => {} }) {
    this.path = path;
    this.onEvent = onEvent;
    this.onLive = onLive;
    this.onEnd = onEnd;
    this.lastId = "";
    this.isLive = false;
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
      (status) => this.ended(reading, status),
      () => this.ended(reading, 0),
    );
  }

  /** @param {AbortController} reading @param {number} status */
  ended(reading, status) {
    if (this.reading !== reading) return;
    this.reading = null;
    this.setLive(false);
    if (this.isClosed) return;
    const refuses = status >= 400 && status < 500 && status !== 408 && status !== 429;
    if (status === 204 || refuses) {
      this.close();
      this.onEnd(status);
      return;
    }
    // Pages that lost the same program do not all come back in the same moment.
    this.timer = setTimeout(() => this.resume(), this.retry * (0.5 + Math.random()));
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY);
  }

  /**
   * Returns the status of the answer when it has ended.
   * @param {AbortController} reading
   */
  async read(reading) {
    let silence = setTimeout(() => reading.abort(), SILENCE);
    try {
      const headers = { accept: "text/event-stream", ...authorization() };
      if (this.lastId) headers["last-event-id"] = this.lastId;
      const response = await fetch(this.path, { headers, signal: reading.signal, cache: "no-store", credentials: "omit" });
      noteTime(response);
      if (response.status !== 200 || !response.body) return response.status;
      this.retry = FIRST_RETRY;
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 200;
        clearTimeout(silence);
        silence = setTimeout(() => reading.abort(), SILENCE);
        this.setLive(true);
        for (const event of parser.push(value)) {
          if (event.id) this.lastId = event.id;
          this.onEvent(event);
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }

  /** @param {boolean} live */
  setLive(live) {
    if (this.isLive === live) return;
    this.isLive = live;
    this.onLive(live);
  }
}

/** Puts events together from parts of a stream, however it was cut. */
export class EventParser {
  constructor() {
    this.rest = "";
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
    const lines = (this.rest + part).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
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
