// The periods of the statistics. No DOM here.

/** @typedef {{ de: string, passo: string, fuso: string }} Period */

export const PERIODS = /** @type {const} */ (["24h", "7d", "30d", "12m"]);

/**
 * The period with this name that ends now, by the calendar of the device.
 * @param {string} name
 * @param {Date} now
 * @returns {Period}
 */
export function period(name, now) {
  const fuso = offset(now);
  const day = (/** @type {number} */ before) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - before);
  const from = (/** @type {Date} */ de, /** @type {string} */ passo) => ({ de: de.toISOString(), passo, fuso });
  if (name === "24h") return from(new Date(now.getTime() - 24 * 3600 * 1000), "hora");
  if (name === "30d") return from(day(29), "dia");
  if (name === "12m") return from(new Date(now.getFullYear(), now.getMonth() - 11, 1), "mes");
  return from(day(6), "dia");
}

/** How far local time is ahead of UTC, in whole hours, as the API reads it. */
export function offset(/** @type {Date} */ now) {
  const hours = Math.round(-now.getTimezoneOffset() / 60);
  return `${hours < 0 ? "-" : "+"}${String(Math.abs(hours)).padStart(2, "0")}:00`;
}

/** Refusals of a period, the most frequent first. */
export function refusals(/** @type {Record<string, number>} */ recusas) {
  return Object.entries(recusas)
    .map(([codigo, count]) => ({ codigo, count }))
    .toSorted((a, b) => b.count - a.count || a.codigo.localeCompare(b.codigo));
}
