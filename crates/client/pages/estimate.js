// What a charge is likely to need and cost, before anything is reserved.
import { ApiError, call } from "./api.js";
import { byId, debounced, element } from "./dom.js";
import { duration, integer, kwh, moment, pricePerKwh, reais } from "./format.js";
import { messageParagraph } from "./messages.js";
import { text } from "./texts.js";
import { forgetToken } from "./tokens.js";

/** An estimate is for any car with these values: which one it is, the servidor need not know. */
const ANY_CAR = { placa: "AAA0000", modelo: "-" };
const PAUSE = 500;
/** What an answer is like, for the space that it will take. */
const TYPICAL = {
  estimativa: { energia_kwh: 22.25, minutos: 61, custo: 55.63, preco_kwh: 2.5, autonomia_km: 117 },
  disponivel_no_periodo: true,
};

export class Estimate {
  /** @param {() => object | null} makeBody What the form asks for; `null` while it cannot be estimated. */
  constructor(makeBody) {
    this.makeBody = makeBody;
    this.box = byId("estimate");
    /** @type {AbortController | null} */
    this.asking = null;
    this.hasFailed = false;
    this.said = "";
    this.updateSoon = debounced(PAUSE, () => this.update());
  }

  async update() {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const body = this.makeBody();
    if (!body) {
      this.box.replaceChildren();
      return;
    }
    if (this.box.childElementCount === 0) this.takeSpace();
    try {
      const reply = await call("estimativa", { method: "POST", body: { ...body, ...ANY_CAR }, signal: asking.signal });
      // The latest question is the one that counts, whichever answer comes last.
      if (this.asking === asking) this.show(reply, body);
    } catch (error) {
      if (this.asking === asking && !asking.signal.aborted) this.fail(error);
    }
  }

  /** Takes the space of an answer, which must not move the button away from who presses it. */
  takeSpace() {
    this.box.replaceChildren(element("div", { class: "unknown", "aria-hidden": "true" }, ...partsOf(TYPICAL)));
  }

  /** @param {any} reply @param {{ inicio?: string, fim?: string }} asked */
  show(reply, asked) {
    this.hasFailed = false;
    this.say(...partsOf(reply, asked));
  }

  /** Sent again and again, a token that is refused would count as an attempt to guess one. */
  forbid() {
    forgetToken();
    this.say();
  }

  /** @param {unknown} error */
  fail(error) {
    this.hasFailed = true;
    const status = error instanceof ApiError ? error.status : 0;
    // While somebody types, values are wrong for a moment; reserving says what is wrong.
    if (status === 422) this.takeSpace();
    else if (status === 401) this.forbid();
    else this.say(messageParagraph(error, { class: "quiet" }));
  }

  /** Says what is not said already: a screen reader would say it again. @param {...HTMLElement} parts */
  say(...parts) {
    const said = parts.map(({ textContent }) => textContent).join("");
    const isSaid = this.box.childElementCount > 0 && this.box.querySelector(".unknown") === null && this.said === said;
    this.said = said;
    if (!isSaid) this.box.replaceChildren(...parts);
  }
}

/** @param {any} reply @param {{ inicio?: string, fim?: string }} [asked] A period that begins now is named by the form. */
function partsOf({ estimativa, disponivel_no_periodo }, { inicio, fim } = {}) {
  const { energia_kwh, minutos, custo, preco_kwh, autonomia_km } = estimativa;
  const fact = (/** @type {string} */ key, /** @type {string} */ value) =>
    element("div", {}, element("dt", { text: text(key) }), element("dd", { text: value }));
  return [
    element("p", { class: "estimate-title", text: text("estimate.title") }),
    element("dl", { class: "facts" },
      fact("estimate.cost", `${reais(custo)} (${pricePerKwh(preco_kwh)})`),
      fact("estimate.energy", kwh(energia_kwh)),
      minutos === null ? null : fact("estimate.time", duration(minutos * 60_000)),
      fact("estimate.range", `${integer(autonomia_km)} km`)),
    element("p", {
      class: disponivel_no_periodo ? "notice good" : "notice",
      text: text(disponivel_no_periodo ? "estimate.free" : "estimate.taken", { period: inicio && fim ? ` (${moment(inicio)} – ${moment(fim)})` : "" }),
    }),
  ];
}
