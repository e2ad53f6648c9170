// Where things are in a plot. No DOM here.

/** About how many steps an axis has. */
const STEPS = 4;

/**
 * Marks of an axis from 0 to at least `max`, at round numbers, about four of them.
 * @param {number} max
 * @param {boolean} isCount Between two marks there is no value of what is counted.
 */
export function ticks(max, isCount = false) {
  if (!(max > 0)) return [0, 1];
  const rough = max / STEPS;
  const least = isCount ? 1 : 0;
  const power = Math.max(10 ** Math.floor(Math.log10(rough)), least);
  const round = (isCount ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]).map((one) => one * power);
  const step = round.find((one) => one >= rough - power * 1e-9) ?? 10 * power;
  const count = Math.ceil(max / step - 1e-9);
  // Multiplied and not added up, so that errors of floating point do not grow.
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** The function that leads from `0..max` to `from..to`. */
export function linear(/** @type {number} */ max, /** @type {number} */ from, /** @type {number} */ to) {
  return (/** @type {number} */ value) => from + (max > 0 ? value / max : 0) * (to - from);
}

/**
 * `count` places side by side from `from` to `to`: the middle of each, and how wide a bar in it is.
 */
export function bands(/** @type {number} */ count, /** @type {number} */ from, /** @type {number} */ to) {
  const width = (to - from) / Math.max(1, count);
  return {
    middle: (/** @type {number} */ at) => from + (at + 0.5) * width,
    bar: Math.max(1, Math.min(48, width * 0.7)),
  };
}

/** Every which label has a place, if each is so wide: all of them, every second, … */
export function labelStep(/** @type {number} */ count, /** @type {number} */ width, /** @type {number} */ label) {
  const fitting = Math.max(1, Math.floor(width / label));
  return Math.max(1, Math.ceil(count / fitting));
}

/**
 * Runs of neighbours that have a value: a line ends where nothing was counted.
 * @param {(number | null)[]} values
 * @returns {{ at: number, value: number }[][]}
 */
export function runs(values) {
  /** @type {{ at: number, value: number }[][]} */
  const found = [];
  let before = false;
  values.forEach((value, at) => {
    if (value !== null && !before) found.push([]);
    if (value !== null) found[found.length - 1].push({ at, value });
    before = value !== null;
  });
  return found;
}
