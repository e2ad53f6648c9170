// Whether what was shown before something is done is still what it would do. No DOM here.

/** @typedef {import("./effects.js").Affected} Affected */

/**
 * Whether the same would become of the same reservas: all that a line of the effect says.
 * @param {Affected[]} shown
 * @param {Affected[]} now
 */
export function isSameEffect(shown, now) {
  const lines = (/** @type {Affected[]} */ reservas) => reservas
    .map(({ id, placa, inicio, fim, resultado, posto_id, motivo }) => JSON.stringify([id, placa, inicio, fim, resultado, posto_id, motivo]))
    .sort();
  return JSON.stringify(lines(shown)) === JSON.stringify(lines(now));
}

/** After this, what a file would do is looked at again before it is imported. */
const LOOK_LASTS = 60_000;

export const isOld = (/** @type {number} */ lookedAt, /** @type {number} */ now) => Math.abs(now - lookedAt) > LOOK_LASTS;

/**
 * Whether a file would still do what is shown of it.
 * @param {any} shown An answer of the API.
 * @param {any} now
 */
export function isSameImport(shown, now) {
  const says = (/** @type {any} */ { criados, alterados, iguais, erros }) => JSON.stringify([criados, alterados, iguais, erros]);
  return says(shown) === says(now);
}
