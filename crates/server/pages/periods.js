// The periods of the statistics. No DOM here.

/** @typedef {{ de: string, passo: string, fuso: string }} Period */

export const PERIODS = /** @type {const} */ (["24h", "7d", "30d", "12m"]);

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * The period with this name that ends at `now`, by the calendar of one offset: the API counts the whole
 * period in one.
 * @param {string} name
 * @param {number} now
 * @param {string} fuso
 * @returns {Period}
 */
export function period(name, now, fuso) {
  const local = inOffset(now, fuso);
  const begin = (/** @type {number} */ moment) => new Date(moment - minutes(fuso) * MINUTE).toISOString();
  const midnight = local.getTime() - (local.getTime() % DAY);
  // The API counts whole hours: this one and the 23 before it.
  if (name === "24h") return { de: new Date(now - 23 * 60 * MINUTE).toISOString(), passo: "hora", fuso };
  if (name === "30d") return { de: begin(midnight - 29 * DAY), passo: "dia", fuso };
  if (name === "12m") return { de: begin(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() - 11, 1)), passo: "mes", fuso };
  return { de: begin(midnight - 6 * DAY), passo: "dia", fuso };
}

/** A moment whose UTC fields are what clocks with this offset show. */
export function inOffset(/** @type {string | number} */ moment, /** @type {string} */ fuso) {
  return new Date(new Date(moment).getTime() + minutes(fuso) * MINUTE);
}

function minutes(/** @type {string} */ fuso) {
  const [, sign, hours, rest] = /^([+-])(\d\d):(\d\d)$/.exec(fuso) ?? ["", "+", "0", "0"];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(rest));
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
    .sort((a, b) => b.count - a.count || a.codigo.localeCompare(b.codigo));
}
