// Which reservas and sessions are of today. No DOM here.

/**
 * @typedef {{ id: number, posto_id: number, placa: string | null, inicio: string, fim: string,
 *   status: string, motivo?: string }} Reserva
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

/**
 * Those that are open or have ended today, each once; the newest first.
 * @template {{ id: number, inicio: string, fim: string | null }} Session
 * @param {Session[]} sessions
 * @param {Date} midnight
 */
export function sessionsOfToday(sessions, midnight) {
  const byId = new Map(sessions.map((session) => [session.id, session]));
  return [...byId.values()]
    .filter(({ fim }) => fim === null || Date.parse(fim) > midnight.getTime())
    .sort((a, b) => Date.parse(b.inicio) - Date.parse(a.inicio) || b.id - a.id);
}
