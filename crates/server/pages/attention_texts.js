// What is said of each thing that needs attention, and what the button beside it does.
import { now } from "./api.js";
import { earliest } from "./attention.js";
import { duration, integer, moment } from "./format.js";
import { openMaintenance } from "./maintenance.js";
import { endSession } from "./sessions.js";
import { counted, text } from "./texts.js";
import { plate } from "./words.js";

/** @typedef {import("./attention.js").Item} Item */

/** @returns {string} */
export function describe(/** @type {Item} */ item) {
  if (item.kind === "not_ready") return `${item.mensagem} ${text("attention.not_ready")}`;
  const nome = item.posto.nome;
  if (item.kind === "overstay") {
    const { reserva, session } = item;
    const by = session ? plate(session) : text("placa.unknown");
    return text("attention.overstay", { nome, by, placa: plate(reserva), at: moment(reserva.inicio) });
  }
  if (item.kind === "charger") {
    const says = text(item.maintenance ? "attention.charger_maintenance" : "attention.charger", { nome, since: moment(item.since ?? now()) });
    return item.reservas.length === 0 ? says : `${says} ${waiting(item.reservas)}`;
  }
  if (item.kind === "kept") return `${text("attention.kept", { nome })} ${waiting(item.reservas)}`;
  const { session } = item;
  return text("attention.long", { nome, placa: plate(session), duration: duration(now() - Date.parse(session.inicio)) });
}

/** What a group says while it is closed. */
export function describeGroup(/** @type {import("./attention.js").Group} */ { of, items, reservas }) {
  const says = text(`attention.group.${of}`, { count: integer(items.length) });
  if (of === "long") return says;
  const waits = reservas.length === 0 ? text("attention.group.free")
    : counted("attention.group.reservas", reservas.length, { at: moment(earliest(reservas).inicio) });
  return `${says} ${waits}`;
}

function waiting(/** @type {import("./postos_now.js").Reserva[]} */ reservas) {
  return counted("attention.reservas", reservas.length, { at: moment(earliest(reservas).inicio) });
}

/**
 * @param {Item} item
 * @param {() => void} done
 * @returns {{ label: string, act: () => Promise<void> } | null}
 */
export function actionFor(item, done) {
  if (item.kind === "charger") return { label: text("service.out"), act: () => openMaintenance(item.posto, done) };
  if (item.kind === "kept") return { label: text("service.reservas"), act: () => openMaintenance(item.posto, done) };
  if (item.kind === "not_ready" || !item.session) return null;
  const { session, posto } = item;
  return { label: text("session.end"), act: () => endSession(posto, session, done) };
}
