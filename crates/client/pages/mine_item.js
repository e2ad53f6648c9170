// A reserva of this device in a list.
import { now } from "./api.js";
import { element, setField, setText } from "./dom.js";
import { duration, moment } from "./format.js";
import { reservaLink } from "./links.js";
import { changesOf } from "./kept.js";
import { arrivalLimit, countdownOf, phaseOf, sentenceKey, statusKey, warningKey } from "./status.js";
import { text } from "./texts.js";

/** @typedef {import("./kept.js").Kept} Kept */

/** The name of its posto, as far as it is known. */
export const nameOf = (/** @type {{ nome: string, posto_id: number }} */ { nome, posto_id }) => nome || text("posto.number", { id: posto_id });

/** What the countdown says, empty if there is nothing to wait for. */
export function countdownText(/** @type {import("./status.js").Reserva} */ reserva, at = now()) {
  const countdown = countdownOf(reserva, at);
  return countdown ? text(countdown.key, { time: duration(countdown.millis) }) : "";
}

/** By when the car should have come, empty if its posto waits until the end. */
export function arrivalText(/** @type {import("./status.js").Reserva} */ reserva, at = now()) {
  const limit = arrivalLimit(reserva, at);
  return limit === null ? "" : text("arrive_by", { time: moment(limit) });
}

/** All that its driver should know beyond the status. */
export function newsOf(/** @type {Kept} */ reserva, at = now()) {
  if (phaseOf(reserva, at) === "over") return "";
  const changes = changesOf(reserva);
  const warning = warningKey(reserva, at);
  return [
    changes.posto && text("mine.moved", { to: nameOf(reserva), from: nameOf(reserva.agreed) }),
    changes.period && text("mine.period_changed", { begin: moment(reserva.inicio), end: moment(reserva.fim) }),
    warning && text(warning),
  ].filter(Boolean).join(" ");
}

/** An empty item; {@link showReserva} fills it. */
export function reservaItem() {
  return element("li", { class: "reserva stack" },
    element("h3", {}, element("a", { href: "reserva", translate: "no" })),
    element("p", { class: "state", "data-field": "status" }),
    element("p", { class: "numbers", "data-field": "countdown" }),
    element("p", { class: "quiet", "data-field": "period" }),
    element("p", { "data-field": "sentence" }),
    element("p", { "data-field": "arrival" }),
    element("p", { class: "notice", "data-field": "news", role: "status", hidden: true }));
}

/** @param {HTMLElement} item @param {Kept} reserva */
export function showReserva(item, reserva) {
  const at = now();
  const phase = phaseOf(reserva, at);
  Object.assign(item.dataset, { serverId: reserva.server_id, requestId: reserva.request_id, status: reserva.status, phase });
  const link = item.querySelector("h3 > a");
  if (link) setText(link, nameOf(reserva));
  link?.setAttribute("href", reservaLink(reserva));
  setField(item, "status", text(statusKey(reserva, at)));
  setField(item, "period", text("mine.period", { begin: moment(reserva.inicio), end: moment(reserva.fim), placa: reserva.placa }));
  setOptional(item, "sentence", phase === "over" || phase === "late" ? text(sentenceKey(reserva, at)) : "");
  setOptional(item, "news", newsOf(reserva, at));
  showCountdown(item, reserva);
}

/** @param {HTMLElement} item @param {Kept} reserva */
export function showCountdown(item, reserva) {
  setOptional(item, "countdown", countdownText(reserva));
  setOptional(item, "arrival", arrivalText(reserva));
}

/** Sets the text of a part that is hidden where there is nothing to say. @param {HTMLElement} item @param {string} field @param {string} said */
export function setOptional(item, field, said) {
  const part = /** @type {HTMLElement | null} */ (item.querySelector(`[data-field="${field}"]`));
  if (!part) return;
  // Shown first, so that what is set is said aloud.
  part.hidden = said === "";
  setField(item, field, said);
}
