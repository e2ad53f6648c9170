// Numbers of a battery as they are typed. No DOM here.
import { decimal, typedNumber } from "./format.js";

/** A level in kWh, which may be typed as a part of the capacity (`50%`). `NaN` if it is no number. */
export function levelInKwh(/** @type {string} */ level, /** @type {string} */ capacity) {
  const typed = level.trim();
  return typed.endsWith("%") ? typedNumber(typed.slice(0, -1)) / 100 * typedNumber(capacity) : typedNumber(typed);
}

/** With at most one decimal, and the mark before it that the language has. */
export const asTyped = (/** @type {number} */ value) => String(Math.round(value * 10) / 10).replace(".", decimal(0.5).charAt(1));
