// The reservas that were made on this device. A `request_id` is the right to change its
// reserva, so it is kept here alone.
import { device, storedKey } from "./device.js";

/**
 * @typedef {import("./status.js").Reserva} Reserva
 * @typedef {{ posto_id: number, nome: string, inicio: string, fim: string }} Agreed What the driver knows of.
 * @typedef {Reserva & { server_id: string, request_id: string, nome: string, agreed: Agreed }} Kept
 */

const KEY = "postos.reservas";
const MAX_KEPT = 50;

const isKept = (/** @type {any} */ one) => typeof one?.server_id === "string" && typeof one.request_id === "string"
  && typeof one.inicio === "string" && typeof one.fim === "string" && typeof one.agreed === "object" && one.agreed !== null;

/** The soonest first. @returns {Kept[]} */
export function keptReservas() {
  const list = device.load(KEY);
  if (!Array.isArray(list)) return [];
  return list.filter(isKept).sort((one, other) => (one.inicio < other.inicio ? -1 : Number(one.inicio > other.inicio)));
}

/** Whether both are of the same request. */
const isSame = (/** @type {Kept} */ one, /** @type {string} */ serverId, /** @type {string} */ requestId) => one.server_id === serverId && one.request_id === requestId;

export function findKept(/** @type {string} */ serverId, /** @type {string} */ requestId) {
  return keptReservas().find((one) => isSame(one, serverId, requestId));
}

/**
 * Keeps a reserva as its driver has just agreed to it: made or changed here.
 * @param {string} serverId @param {string} requestId @param {Reserva} reserva @param {string} nome Of its posto.
 */
export function keepAgreed(serverId, requestId, reserva, nome) {
  const { posto_id, inicio, fim } = reserva;
  const agreed = { posto_id, nome, inicio, fim };
  write({ ...reserva, server_id: serverId, request_id: requestId, nome, agreed });
}

/**
 * Takes the present state of a reserva that is kept, and returns it; `undefined` if it is not kept.
 * @param {string} serverId @param {string} requestId @param {Reserva} reserva
 * @param {string} [nome] Of its posto, where it is known.
 */
export function updateKept(serverId, requestId, reserva, nome) {
  const before = findKept(serverId, requestId);
  if (!before) return undefined;
  const { agreed } = before;
  const known = reserva.posto_id === before.posto_id ? before.nome : "";
  const back = reserva.posto_id === agreed.posto_id ? agreed.nome : "";
  // Fields that it no longer has, such as `aviso`, go.
  const after = { ...reserva, server_id: serverId, request_id: requestId, nome: nome || known || back, agreed };
  if (JSON.stringify(before) !== JSON.stringify(after)) write(after);
  return after;
}

/** What somebody else has changed since the driver last agreed. */
export function changesOf(/** @type {Kept} */ { agreed, posto_id, inicio, fim }) {
  const at = (/** @type {string} */ text) => new Date(text).getTime();
  return { posto: agreed.posto_id !== posto_id, period: at(agreed.inicio) !== at(inicio) || at(agreed.fim) !== at(fim) };
}

export function forgetKept(/** @type {string} */ serverId, /** @type {string} */ requestId) {
  device.save(KEY, keptReservas().filter((one) => !isSame(one, serverId, requestId)));
}

/** @param {Kept} reserva */
function write(reserva) {
  const others = keptReservas().filter((one) => !isSame(one, reserva.server_id, reserva.request_id));
  // Of very many the oldest go.
  device.save(KEY, [...others, reserva].slice(-MAX_KEPT));
}

/** Calls `changed` when another page of this device has changed them. */
export function onKeptElsewhere(/** @type {() => void} */ changed) {
  addEventListener("storage", (event) => {
    if (event.key === storedKey(KEY) || event.key === null) changed();
  });
}
