// Says which servidores are away, and what that means for the reader.
import { call } from "./api.js";
import { byId, element, saidIn } from "./dom.js";
import { moment } from "./format.js";
import { text } from "./texts.js";

/** How soon the gateway is asked again while something is wrong whose end has no event, and at most. */
const FIRST_RETRY = 5000;
const LONGEST_RETRY = 30_000;
/** Pages that lost the same servidor do not all ask in the same moment. */
const MAX_DELAY = 1500;

/** @typedef {import("./postos.js").Postos} Postos */

export class Notices {
  /**
   * @param {Postos} postos
   * @param {{ only?: string, onChange?: () => void }} [options] `only`: the one servidor that matters to this page.
   */
  constructor(postos, { only, onChange = () => {} } = {}) {
    this.postos = postos;
    this.only = only;
    this.onChange = onChange;
    this.container = byId("notices");
    this.container.setAttribute("aria-live", "polite");
    this.isBrokerAway = false;
    this.isKnown = false;
    /** Servidores that were missing when the gateway was last asked. @type {Set<string>} */
    this.lacking = new Set();
    /** Of these, those that were missing the time before too: lists take a moment to come. @type {Set<string>} */
    this.overdue = new Set();
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    this.timer = 0;
    this.asked = 0;
    this.retry = FIRST_RETRY;
  }

  /** Asks which servidores there are, and whether the gateway reaches them. */
  async ask() {
    clearTimeout(this.timer);
    // A page that is shown again reads events again, and asks then.
    if (document.hidden) return;
    this.asked += 1;
    const number = this.asked;
    const known = new Set(this.postos.servidores.keys());
    try {
      const [{ servidores }, { mqtt_conectado }] = await Promise.all([call("servidores"), call("status")]);
      if (number !== this.asked) return;
      this.postos.takeServidores(servidores, known);
      this.isBrokerAway = !mqtt_conectado;
      this.isKnown = true;
      const missing = this.missing().map(({ server_id }) => server_id);
      this.overdue = new Set(missing.filter((id) => this.lacking.has(id)));
      this.lacking = new Set(missing);
      this.onChange();
    } catch {
      // The page is not live then, and says so.
    }
    if (number !== this.asked) return;
    const isWrong = this.isBrokerAway || !this.isKnown || this.missing().length > 0;
    if (isWrong) this.askLater(this.retry);
    this.retry = isWrong ? Math.min(this.retry * 2, LONGEST_RETRY) : FIRST_RETRY;
  }

  askLater(delay = 0) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), delay + Math.random() * MAX_DELAY);
  }

  /** A servidor has gone or returned: with it perhaps the broker. */
  servidorChanged() {
    this.retry = FIRST_RETRY;
    this.askLater();
  }

  relevant() {
    const servidores = [...this.postos.servidores.values()];
    return this.only === undefined ? servidores : servidores.filter(({ server_id }) => server_id === this.only);
  }

  /** Servidores that are there, but whose postos nobody knows yet. */
  missing() {
    return this.relevant().filter(({ isOnline, isListed }) => isOnline && !isListed);
  }

  render() {
    // Until the gateway has said how it is, what the HTML says holds.
    if (!this.isKnown) return;
    for (const old of this.container.querySelectorAll(":scope > [data-outage]")) {
      if (![...this.shown.values()].includes(/** @type {HTMLElement} */ (old))) old.remove();
    }
    const wanted = new Map(this.isBrokerAway ? [["broker", text("notice.broker")]] : this.servidorNotices());
    for (const [key, notice] of this.shown) {
      if (wanted.get(key) === saidIn(notice)) continue;
      notice.remove();
      this.shown.delete(key);
    }
    for (const [key, sentence] of wanted) {
      if (this.shown.has(key)) continue;
      const notice = element("p", { class: "notice", "data-outage": true, text: sentence });
      this.container.append(notice);
      this.shown.set(key, notice);
    }
  }

  /** @returns {[string, string][]} */
  servidorNotices() {
    const away = this.relevant().filter(({ isOnline }) => !isOnline);
    const missing = this.missing().filter(({ server_id }) => this.overdue.has(server_id));
    return [
      ...away.map((one) => /** @type {[string, string]} */ ([`away ${one.server_id}`, awayText(one)])),
      ...missing.map(({ server_id }) => /** @type {[string, string]} */ ([`missing ${server_id}`, text("notice.missing", { servidor: server_id })])),
    ];
  }
}

/** @param {{ server_id: string, desde?: string, postos: Map<number, unknown> }} servidor */
function awayText({ server_id, desde, postos }) {
  const key = postos.size > 0 ? "notice.away" : "notice.away.unseen";
  return text(key, { servidor: server_id, since: desde ? text("notice.since", { time: moment(desde) }) : "" });
}
