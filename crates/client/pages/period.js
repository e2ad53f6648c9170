// The period that a form asks for, as the API takes it.

/** The value of a `datetime-local` input (device time), as the API takes it. */
const toApiTime = (/** @type {string} */ local) => {
  const at = new Date(local);
  // The API says what is wrong with what is no time.
  return Number.isNaN(at.getTime()) ? local : at.toISOString();
};

/**
 * @param {{ inicio: string, fim: string, duracao: string }} typed Empty where nothing is given; `duracao` in minutes.
 * @param {number} now By the clock of the server.
 * @returns {{ inicio?: string, fim?: string }} Without `inicio` it is now; without both, what the operator has set.
 */
export function periodOf({ inicio, fim, duracao }, now) {
  /** @type {{ inicio?: string, fim?: string }} */
  const period = inicio ? { inicio: toApiTime(inicio) } : {};
  if (fim) return { ...period, fim: toApiTime(fim) };
  const begin = inicio ? new Date(inicio).getTime() : now;
  const minutes = Number(duracao);
  if (minutes > 0 && !Number.isNaN(begin)) period.fim = new Date(begin + minutes * 60_000).toISOString();
  return period;
}

/**
 * What a change asks for: only the fields that were changed. An input has whole minutes, and where
 * clocks go back an hour two moments look alike in it, so a field that was left alone asks for nothing.
 * @param {{ inicio: string, fim: string }} typed
 * @param {{ inicio: string, fim: string }} filled What the fields were filled with.
 * @returns {{ inicio?: string, fim?: string }}
 */
export function changedPeriod(typed, filled) {
  /** @type {{ inicio?: string, fim?: string }} */
  const changed = {};
  if (typed.inicio && typed.inicio !== filled.inicio) changed.inicio = toApiTime(typed.inicio);
  if (typed.fim && typed.fim !== filled.fim) changed.fim = toApiTime(typed.fim);
  return changed;
}
