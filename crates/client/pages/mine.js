// The reservas that were made on this device, on the page of all postos.
import { cancel, consult } from "./actions.js";
import { now } from "./api.js";
import { confirmCancel } from "./confirm.js";
import { byId, element } from "./dom.js";
import { Follower } from "./follow.js";
import { changesOf, forgetKept, keepAgreed, keptReservas, onKeptElsewhere, updateKept } from "./kept.js";
import { reservaLink } from "./links.js";
import { messageParagraph } from "./messages.js";
import { nameOf, reservaItem, showCountdown, showReserva } from "./mine_item.js";
import { LostRequests } from "./mine_lost.js";
import { allowed, phaseOf } from "./status.js";
import { text } from "./texts.js";
import { askToken, forgetToken, lacksToken, withToken } from "./tokens.js";

/**
 * @typedef {import("./kept.js").Kept} Kept
 * @typedef {import("./postos.js").Postos} Postos
 * @typedef {{ element: HTMLElement, buttons: Buttons, problem: HTMLElement }} Item
 * @typedef {{ change: HTMLElement, cancel: HTMLElement, seen: HTMLElement, forget: HTMLElement, token: HTMLElement }} Buttons
 */

const TICK = 1000;
/** How long after the end of a reserva a session of it may be reported that its charger could not report at once. */
const REPORTED_WITHIN = 7 * 86_400_000;
const TOKEN_NEEDED = ["nao_autenticado", "nao_autorizado"];
const keyOf = (/** @type {{ server_id: string, request_id: string }} */ { server_id, request_id }) => `${server_id}/${request_id}`;
const isLate = (/** @type {Kept} */ reserva) => phaseOf(reserva, now()) === "late";
const isOver = (/** @type {Kept} */ reserva) => phaseOf(reserva, now()) === "over";

/** Shows them if there are any, and follows those that are not over. */
export function showMine(/** @type {Postos} */ postos) {
  const mine = new Mine(postos);
  onKeptElsewhere(() => mine.render());
  setInterval(() => document.hidden || mine.tick(), TICK);
  mine.render();
  mine.askEnded();
  return mine;
}

class Mine {
  /** @param {Postos} postos */
  constructor(postos) {
    this.postos = postos;
    this.section = byId("mine");
    this.list = byId("mine-list");
    this.forgetAll = element("button", { type: "button", text: text("mine.forget_all"), onclick: () => this.forgetOver() });
    this.section.append(this.forgetAll);
    /** @type {Map<string, Item>} */
    this.items = new Map();
    /** Of those that the API does not show to this device. @type {Map<string, "token" | "unknown">} */
    this.refusals = new Map();
    this.lost = new LostRequests({ onMade: (made) => this.made(made), onGone: () => this.gone() });
    this.follower = new Follower({
      onReserva: ({ server_id, request_id }, reserva) => {
        updateKept(server_id, request_id, reserva, postos.find(server_id, reserva.posto_id)?.nome);
        this.render();
      },
      onRefused: (target, codigo) => this.refused(target, codigo),
    });
  }

  render() {
    const all = keptReservas();
    // What is still to come first, then what is over, the latest first.
    const reservas = [...all.filter((one) => !isOver(one)), ...all.filter(isOver).reverse()];
    const keys = new Set(reservas.map(keyOf));
    for (const [key, { element: gone }] of this.items) {
      if (keys.has(key)) continue;
      gone.remove();
      this.items.delete(key);
    }
    reservas.forEach((reserva, index) => this.show(reserva, index));
    this.lost.render();
    this.showSection();
    this.forgetAll.hidden = reservas.filter(isOver).length < 2;
    // One whose time has passed may be of a servidor that is gone for good.
    const late = reservas.filter(isLate);
    this.follower.follow([...reservas.filter((one) => !isOver(one) && !isLate(one)), ...late]);
  }

  showSection() {
    this.section.hidden = this.items.size === 0 && this.lost.isEmpty();
  }

  /** @param {Kept} reserva @param {number} index */
  show(reserva, index) {
    const key = keyOf(reserva);
    const item = this.items.get(key) ?? this.makeItem(reserva);
    this.items.set(key, item);
    showReserva(item.element, reserva);
    const { change, cancel: cancelling } = allowed(reserva, now());
    item.buttons.change.hidden = !change;
    item.buttons.cancel.hidden = !cancelling;
    const changes = changesOf(reserva);
    const refusal = this.refusals.get(key);
    item.buttons.seen.hidden = isOver(reserva) || !(changes.posto || changes.period);
    item.buttons.forget.hidden = !isOver(reserva) && !isLate(reserva) && refusal !== "unknown";
    item.buttons.token.hidden = refusal !== "token";
    // One that has the focus is not moved.
    if (this.list.children[index] !== item.element && !item.element.contains(document.activeElement)) {
      this.list.insertBefore(item.element, this.list.children[index] ?? null);
    }
  }

  /** @param {Kept} reserva @returns {Item} */
  makeItem(reserva) {
    const { server_id, request_id } = reserva;
    const made = reservaItem();
    const button = (/** @type {string} */ key, /** @type {() => void} */ press, kind = "") =>
      element("button", { type: "button", class: kind || null, text: text(key), onclick: press });
    const buttons = {
      change: element("a", { class: "button", href: reservaLink(reserva), text: text("mine.change") }),
      cancel: button("mine.cancel", () => this.cancel(server_id, request_id), "danger"),
      seen: button("mine.seen", () => this.seen(server_id, request_id)),
      forget: button("mine.forget", () => this.forget(server_id, request_id)),
      // It may have been given to another page meanwhile.
      token: button("token.give", async () => (!lacksToken() || (await askToken())) && this.followAgain()),
    };
    const problem = element("div", { role: "alert" });
    made.append(problem, element("div", { class: "row" }, ...Object.values(buttons)));
    return { element: made, buttons, problem };
  }

  /** A posto has changed, perhaps because a reserva of it has. */
  postoChanged(/** @type {string} */ serverId, /** @type {number} */ postoId) {
    for (const reserva of keptReservas()) {
      if (reserva.server_id === serverId && reserva.posto_id === postoId && !isOver(reserva)) this.follower.askNow(reserva);
    }
  }

  /** Asks once for those that have just ended without a session: one may have been reported since. */
  async askEnded() {
    const since = now() - REPORTED_WITHIN;
    for (const target of keptReservas()) {
      if (target.status !== "encerrada" || Date.parse(target.fim) < since || lacksToken()) continue;
      // It is over: without an answer it stays as it was.
      const reply = await consult(target.server_id, target.request_id).catch(() => null);
      if (reply) this.follower.take(target, reply.reserva);
    }
  }

  tick() {
    this.lost.render();
    this.showSection();
    for (const reserva of keptReservas()) {
      const item = this.items.get(keyOf(reserva));
      if (!item) {
        // It was made on another page, to which the back button led from here.
        this.render();
        return;
      }
      // Time alone may have begun or ended it.
      if (item.element.dataset.phase === phaseOf(reserva, now())) showCountdown(item.element, reserva);
      else this.render();
    }
  }

  /** @param {string} serverId @param {string} requestId */
  async cancel(serverId, requestId) {
    const item = this.items.get(`${serverId}/${requestId}`);
    const reserva = keptReservas().find((one) => one.server_id === serverId && one.request_id === requestId);
    if (!item || !reserva || !(await confirmCancel({ ...reserva, nome: nameOf(reserva) }))) return;
    item.problem.replaceChildren();
    item.buttons.cancel.setAttribute("aria-disabled", "true");
    try {
      const reply = await withToken(() => cancel(serverId, requestId));
      this.follower.take({ server_id: serverId, request_id: requestId }, reply.reserva);
      // The button that had the focus is gone.
      item.buttons.forget.focus();
    } catch (error) {
      item.problem.replaceChildren(messageParagraph(error, { class: "error" }, true));
    } finally {
      item.buttons.cancel.removeAttribute("aria-disabled");
    }
  }

  /** @param {string} serverId @param {string} requestId */
  seen(serverId, requestId) {
    const reserva = keptReservas().find((one) => one.server_id === serverId && one.request_id === requestId);
    if (reserva) keepAgreed(serverId, requestId, withoutKept(reserva), reserva.nome);
    this.render();
    this.items.get(`${serverId}/${requestId}`)?.buttons.change.focus();
  }

  /** @param {string} serverId @param {string} requestId */
  forget(serverId, requestId) {
    forgetKept(serverId, requestId);
    this.gone();
  }

  forgetOver() {
    for (const { server_id, request_id } of keptReservas().filter(isOver)) forgetKept(server_id, request_id);
    this.gone();
  }

  /** A request that was lost has made a reserva. @param {{ server_id: string, request_id: string }} made */
  made(made) {
    this.render();
    this.items.get(keyOf(made))?.buttons.change.focus();
  }

  /** Leads to what is left, because what had the focus is gone. */
  gone() {
    this.render();
    const rest = this.list.querySelector("a") ?? byId("main");
    rest.focus();
  }

  /** @param {{ server_id: string, request_id: string }} target @param {string} codigo */
  refused(target, codigo) {
    const refusal = TOKEN_NEEDED.includes(codigo) ? "token" : "unknown";
    // Sent again and again it would count as an attempt to guess one.
    if (refusal === "token") forgetToken();
    this.refusals.set(keyOf(target), refusal);
    this.items.get(keyOf(target))?.problem.replaceChildren(element("p", { class: "error", text: text(`mine.${refusal}`) }));
    this.render();
  }

  /** There is a token now for those that were refused without it. */
  followAgain() {
    for (const reserva of keptReservas()) {
      const key = keyOf(reserva);
      if (this.refusals.get(key) !== "token") continue;
      this.refusals.delete(key);
      this.items.get(key)?.problem.replaceChildren();
      this.follower.allow(reserva);
    }
    // The button that was pressed is gone.
    this.gone();
  }
}

/** What the API says of it. @param {Kept} kept */
function withoutKept({ server_id, request_id, nome, agreed, ...reserva }) {
  return reserva;
}
