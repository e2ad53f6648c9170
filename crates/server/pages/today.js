// Which reservas and sessions are of today, and which of them are looked for. No DOM here.
import { plain } from "./postos_now.js";

/**
 * @typedef {{ id: number, posto_id: number, placa: string | null, inicio: string, fim: string,
 *   status: string, motivo?: string, livre_desde?: string }} Reserva
 */

/**
 * Those that hold their posto at some time of the day, and each once; by their beginning.
 * @param {Reserva[]} reservas
 * @param {Date} midnight With which the day begins.
 */
export function ofToday(reservas, midnight) {
  const from = midnight.getTime();
  const until = new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + 1).getTime();
  const byId = new Map(reservas.map((reserva) => [reserva.id, reserva]));
  return [...byId.values()]
    .filter(({ inicio, fim }) => Date.parse(inicio) < until && Date.parse(fim) > from)
    .sort((a, b) => Date.parse(a.inicio) - Date.parse(b.inicio) || a.id - b.id);
}

/** Whether a reserva holds its posto no more. */
export function isOver(/** @type {Reserva} */ { status, fim, livre_desde }, /** @type {number} */ now) {
  return !["ativa", "cumprida"].includes(status) || Boolean(livre_desde) || Date.parse(fim) <= now;
}

/**
 * What runs and what comes first, by its beginning; then what is over, the latest first.
 * @param {Reserva[]} reservas
 * @param {number} now
 */
export function openFirst(reservas, now) {
  const byBegin = [...reservas].sort((a, b) => Date.parse(a.inicio) - Date.parse(b.inicio) || a.id - b.id);
  const over = byBegin.filter((reserva) => isOver(reserva, now));
  return [...byBegin.filter((reserva) => !isOver(reserva, now)), ...over.reverse()];
}

/**
 * Whether what was typed is in the placa of a row, in the name of its posto, or the number of that.
 * @param {{ placa: string | null, posto_id: number }} row @param {string} nome @param {string} typed
 */
export function isFound({ placa, posto_id }, nome, typed) {
  const wanted = plain(typed);
  if (String(posto_id) === wanted.trim()) return true;
  const letters = wanted.replace(/[^a-z0-9]/g, "");
  return plain(nome).includes(wanted) || (letters !== "" && plain(placa ?? "").includes(letters));
}

/** What was typed, if it can be a whole placa; else `""`. */
export function wholePlaca(/** @type {string} */ typed) {
  const placa = typed.toUpperCase().replace(/[\s-]/g, "");
  return /^[A-Z0-9]{5,8}$/.test(placa) ? placa : "";
}

/**
 * Those that are open or have ended today, each once; the open ones first, then the newest.
 * @template {{ id: number, inicio: string, fim: string | null }} Session
 * @param {Session[]} sessions
 * @param {Date} midnight
 */
export function sessionsOfToday(sessions, midnight) {
  const byId = new Map(sessions.map((session) => [session.id, session]));
  return [...byId.values()]
    .filter(({ fim }) => fim === null || Date.parse(fim) > midnight.getTime())
    .sort((a, b) => Number(b.fim === null) - Number(a.fim === null) || Date.parse(b.inicio) - Date.parse(a.inicio) || b.id - a.id);
}
