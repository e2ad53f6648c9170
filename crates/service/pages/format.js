// Numbers, money and times as people here write them.
import { language } from "./texts.js";

const number = (/** @type {Intl.NumberFormatOptions} */ options) => new Intl.NumberFormat(language, options);
const energy = number({ maximumFractionDigits: 3 });
const power = number({ maximumFractionDigits: 1 });
const money = number({ style: "currency", currency: "BRL" });
const price = number({ style: "currency", currency: "BRL", minimumFractionDigits: 2, maximumFractionDigits: 4 });
const percent = number({ style: "percent", maximumFractionDigits: 1 });
const short = number({ maximumFractionDigits: 1 });
const whole = number({ maximumFractionDigits: 0 });

/** What stands between thousands in this language. */
const groupMark = whole.format(123456).replace(/\d/g, "");

const date = (/** @type {Intl.DateTimeFormatOptions} */ options) => new Intl.DateTimeFormat(language, options);
// Readers of English take the first number of 12/01 for the month or for the day.
const month = language.startsWith("en") ? "short" : "2-digit";
const clock = date({ hour: "2-digit", minute: "2-digit" });
const day = date({ day: "2-digit", month });
const full = date({ day: "2-digit", month, year: "numeric", hour: "2-digit", minute: "2-digit" });

export const kwh = (/** @type {number} */ value) => `${energy.format(value)} kWh`;
export const kw = (/** @type {number} */ value) => `${power.format(value)} kW`;
export const reais = (/** @type {number} */ value) => money.format(value);
export const pricePerKwh = (/** @type {number} */ value) => `${price.format(value)}/kWh`;
export const percentage = (/** @type {number} */ fraction) => percent.format(fraction);
export const integer = (/** @type {number} */ value) => whole.format(value);
export const decimal = (/** @type {number} */ value) => short.format(value);

/**
 * The marks of an axis, each as exact as the step between them.
 * @param {number[]} marks @param {boolean} isPercent
 */
export function axisLabels(marks, isPercent) {
  const step = (marks[1] - marks[0]) * (isPercent ? 100 : 1);
  const isWhole = (/** @type {number} */ value) => Math.abs(value - Math.round(value)) < 1e-6 * value;
  const digits = [0, 1, 2, 3, 4, 5].find((count) => isWhole(step * 10 ** count)) ?? 6;
  const shown = number({ style: isPercent ? "percent" : "decimal", minimumFractionDigits: digits, maximumFractionDigits: digits });
  return marks.map((mark) => shown.format(mark));
}

/** A distance, in metres below one kilometre. */
export function distance(/** @type {number} */ kilometres) {
  if (kilometres < 1) return `${whole.format(Math.round(kilometres * 100) * 10)} m`;
  return `${(kilometres < 10 ? short : whole).format(kilometres)} km`;
}

/** A moment: the time alone if it is today, else with its day. */
export function moment(/** @type {string | number | Date} */ value, now = new Date()) {
  const at = new Date(value);
  if (at.toDateString() === now.toDateString()) return clock.format(at);
  return at.getFullYear() === now.getFullYear() ? `${day.format(at)} ${clock.format(at)}` : full.format(at);
}

export const fullMoment = (/** @type {string | number | Date} */ value) => full.format(new Date(value));
export const dayOf = (/** @type {string | number | Date} */ value) => day.format(new Date(value));
export const clockOf = (/** @type {string | number | Date} */ value) => clock.format(new Date(value));

/** A time that is left: `2 h 05 min`, and `45 s` below a minute. */
export function duration(/** @type {number} */ millis) {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${String(rest).padStart(2, "0")} min` : `${rest} min`;
}

/** What an input of the kind `datetime-local` shows for a moment, in the time of the device. */
export function localInput(/** @type {string | number | Date} */ value) {
  const at = new Date(value);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

const PLAIN = /^-?(?:\d+[.,]?\d*|[.,]\d+)$/;
const IN_GROUPS = /^-?[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?:(?!\1)[.,]\d+)?$/;

/** Whether a number can be read as two: where `.` separates thousands, `1.234` may be over a thousand. */
export function couldBeTwoNumbers(/** @type {string} */ value) {
  const [, mark] = IN_GROUPS.exec(value.trim()) ?? [];
  return mark === groupMark && value.replace(/[^.,]/g, "").length === 1;
}

/** A number as it is typed here: `44,5`, `44.5`, `1.234,5`. `NaN` if it is none, or could be two. */
export function typedNumber(/** @type {string} */ value) {
  const typed = value.trim();
  const [, mark] = IN_GROUPS.exec(typed) ?? [];
  if (mark && typed.replace(/[^.,]/g, "").length > 1) return Number(typed.replaceAll(mark, "").replace(",", "."));
  return PLAIN.test(typed) && !couldBeTwoNumbers(typed) ? Number(typed.replace(",", ".")) : NaN;
}
