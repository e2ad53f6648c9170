// From when until when, with the day of the end only where it is another.
import { clockOf, moment } from "./format.js";

export function interval(/** @type {string} */ from, /** @type {string} */ until) {
  const isSameDay = new Date(from).toDateString() === new Date(until).toDateString();
  return `${moment(from)} – ${isSameDay ? clockOf(until) : moment(until)}`;
}
