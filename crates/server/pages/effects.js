// What becomes of the reservas of a posto that is taken away: before it is done, and after.
import { element } from "./dom.js";
import { facts, nameOf } from "./facts.js";
import { notifiedClients } from "./notified.js";
import { interval } from "./interval.js";
import { counted, text } from "./texts.js";

/**
 * @typedef {{ id: number, placa: string, inicio: string, fim: string, posto_id: number,
 *   resultado: "mantida" | "movida" | "cancelada", motivo?: string, client_id: string | null }} Affected
 */

/** What would happen. */
export function effects(/** @type {Affected[]} */ reservas) {
  if (reservas.length === 0) return element("p", { text: text("effect.none") });
  const lines = reservas.map((reserva) => element("li", { text: line(reserva, "effect") }));
  return element("div", { class: "stack" },
    element("p", { text: counted("effect.some", reservas.length) }),
    element("ul", { class: "lines" }, ...lines));
}

/** What has happened, and who was notified. */
export function outcome(/** @type {Affected[]} */ reservas) {
  if (reservas.length === 0) return element("p", { text: text("outcome.none") });
  const lines = reservas.map((reserva) => {
    const { resultado, client_id } = reserva;
    const notified = resultado === "mantida" ? text("outcome.not_notified")
      : client_id === null ? text("outcome.notified_nobody") : text(facts.notReady === null ? "outcome.notified" : "outcome.later", { client_id });
    return element("li", { text: `${line(reserva, "outcome")} ${notified}` });
  });
  return element("div", { class: "stack" },
    element("p", { class: "notice good", text: summary(reservas) }),
    element("ul", { class: "lines" }, ...lines));
}

function line(/** @type {Affected} */ { id, placa, inicio, fim, resultado, posto_id, motivo }, /** @type {string} */ tense) {
  const what = motivo === "sem_posto" ? "sem_posto" : resultado;
  return `${text("reserva.line", { id, placa, when: interval(inicio, fim) })} ${text(`${tense}.${what}`, { posto: nameOf(posto_id) })}`;
}

/** Who was notified, or will be: without a broker the servidor keeps what it has to say. */
export function summary(/** @type {Affected[]} */ reservas) {
  if (reservas.length === 0) return text("outcome.none");
  const { clients, unknown } = notifiedClients(reservas);
  if (clients.length === 0 && unknown === 0) return text("notified.none");
  const names = clients.map(([client_id, count]) => counted("notified.client", count, { client_id }));
  const known = names.length === 0 ? "" : text(facts.notReady === null ? "notified" : "notified.later", { clients: names.join(", ") });
  return unknown === 0 ? known : `${known} ${counted("notified.unknown", unknown)}`.trim();
}
