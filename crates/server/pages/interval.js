// From when until when, with the day of the end only where it is another.
import { clockOf, dayOf, moment } from "./format.js";

export function interval(/** @type {string} */ from, /** @type {string} */ until) {
  const isSameDay = new Date(from).toDateString() === new Date(until).toDateString();
  if (isSameDay) return `${moment(from)} – ${clockOf(until)}`;
  return `${dayOf(from)} ${clockOf(from)} – ${dayOf(until)} ${clockOf(until)}`;
}
