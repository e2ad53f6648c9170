// The words of the page in the language that the server chose for it. Templates have their own; these
// are for what modules say.

const element = document.getElementById("texts");
const texts = element ? JSON.parse(element.textContent ?? "{}") : {};

/** The language of the page, for numbers and dates. */
export const language = document.documentElement.lang || "pt-BR";

export const hasText = (/** @type {string} */ key) => texts[key] !== undefined;

/** Hebrew, Arabic and their neighbours. */
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A value written from right to left would have the words and numbers around it change places, so it is set apart. */
export const apart = (/** @type {unknown} */ value) => (FROM_RIGHT.test(String(value)) ? `\u2068${value}\u2069` : String(value));

/**
 * The text with this key, with values in place of its `{names}`.
 * @param {string} key
 * @param {Record<string, string | number>} values
 * @returns {string} Empty where the page has no such text.
 */
export function text(key, values = {}) {
  if (!hasText(key)) {
    // In the middle of an upgrade a page may have modules of another version: the rest of it works.
    console.error(`no text for ${key}`);
    texts[key] = "";
  }
  return texts[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? apart(values[name]) : whole));
}

/**
 * The text for this number of things: `key.one` or `key.other`, with the number as `{count}`.
 * @param {string} key
 * @param {number} count
 * @param {Record<string, string | number>} values
 */
export function counted(key, count, values = {}) {
  // Not by Intl, whose Portuguese has "0 livre".
  const form = count === 1 ? "one" : "other";
  return text(`${key}.${form}`, { count: new Intl.NumberFormat(language).format(count), ...values });
}
