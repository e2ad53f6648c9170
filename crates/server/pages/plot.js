// Plots as SVG. Series differ by form and not only by colour, so they are read in print too. A plot is
// drawn as wide as its place, and again when that changes, so that its text stays as large as the page's.
import { drawn, element } from "./dom.js";
import { axisLabels } from "./format.js";
import { bands, labelStep, linear, runs, ticks } from "./scales.js";

const HEIGHT = 220;
const TOP = 12;
const BOTTOM = 28;
/** About how wide a digit is. */
const DIGIT = 8.5;
const RANK_ROW = 44;

/**
 * @typedef {{ name: string, values: (number | null)[] }} Series
 * @typedef {{ title: string, labels: string[], series: Series[], unit: "percent" | "decimal" | "count", kind: "bars" | "lines" }} Plot
 */

/** A plot over time, for a screen reader only its title: a table beside it has the numbers. */
export function timePlot(/** @type {Plot} */ plot) {
  const legend = plot.series.length > 1 && element("ul", { class: "legend" }, ...plot.series.map(({ name }, at) =>
    element("li", {}, sample(at), name)));
  return placed(plot.title, legend, HEIGHT, (width) => timeDrawing(plot, width));
}

/**
 * Bars one below the other, each with its name and number.
 * @param {{ title: string, items: { name: string, value: number }[], format: (value: number) => string }} plot
 */
export function rankPlot({ title, items, format }) {
  const height = items.length * RANK_ROW;
  return placed(title, false, height, (width) => {
    const bar = linear(Math.max(...items.map(({ value }) => value), 1), 0, width - 2);
    const rows = items.map(({ name, value }, at) => drawn("g", { transform: `translate(0 ${at * RANK_ROW})` },
      label(0, 15, name, "start"),
      label(width, 15, format(value), "end"),
      drawn("rect", { class: "series-0 fill", x: 0, y: 22, width: Math.max(2, bar(value)), height: 12 })));
    return drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...rows);
  });
}

/**
 * @param {string} title
 * @param {Element | false} legend
 * @param {number} height
 * @param {(width: number) => Element} draw
 */
function placed(title, legend, height, draw) {
  const place = element("div", { class: "drawing" });
  // As high before it is drawn, so that the page below does not move when a plot is made anew.
  place.style.minHeight = `${height}px`;
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.floor(place.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    place.replaceChildren(draw(width));
  }).observe(place);
  return element("figure", { class: "plot" }, element("figcaption", { text: title }), legend, place);
}

/** How a series looks. */
function sample(/** @type {number} */ at) {
  return drawn("svg", { width: 36, height: 14, "aria-hidden": "true" },
    drawn("line", { class: `series-${at} line`, x1: 1, y1: 7, x2: 35, y2: 7 }), marker(at, 18, 7));
}

function timeDrawing(/** @type {Plot} */ { labels, series, unit, kind }, /** @type {number} */ width) {
  const all = series.flatMap(({ values }) => values).filter((value) => value !== null);
  const marks = ticks(Math.max(0, .../** @type {number[]} */ (all)), unit === "count");
  const names = axisLabels(marks, unit === "percent");
  const top = marks[marks.length - 1];
  const left = Math.ceil(Math.max(...names.map((name) => name.length)) * DIGIT) + 8;
  const y = linear(top, HEIGHT - BOTTOM, TOP);
  const places = bands(labels.length, left, width - 4);
  const grid = marks.map((mark, at) => drawn("g", {},
    drawn("line", { class: "grid", x1: left, x2: width - 4, y1: y(mark), y2: y(mark) }),
    label(left - 6, y(mark) + 4, names[at], "end")));
  const wide = Math.max(...labels.map((text) => text.length)) * DIGIT + 10;
  const step = labelStep(labels.length, width - left, wide);
  const below = labels.map((text, at) => at % step === 0 ? label(places.middle(at), HEIGHT - 8, text, "middle") : null);
  const shapes = series.map(({ values }, at) => kind === "bars" ? bars(values, places, y) : lines(values, at, places, y));
  return drawn("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" }, ...grid, ...below, ...shapes);
}

/**
 * @param {(number | null)[]} values
 * @param {ReturnType<typeof bands>} places
 * @param {(value: number) => number} y
 */
function bars(values, { middle, bar }, y) {
  return drawn("g", { class: "series-0 fill" }, ...values.map((value, at) => value
    ? drawn("rect", { x: middle(at) - bar / 2, width: bar, y: y(value), height: y(0) - y(value) })
    : null));
}

/**
 * @param {(number | null)[]} values
 * @param {number} series
 * @param {ReturnType<typeof bands>} places
 * @param {(value: number) => number} y
 */
function lines(values, series, { middle }, y) {
  const parts = runs(values).map((run) => {
    const points = run.map(({ at, value }) => `${middle(at)},${y(value)}`).join(" ");
    return drawn("polyline", { class: `series-${series} line`, points });
  });
  const marks = values.map((value, at) => value === null ? null : marker(series, middle(at), y(value)));
  return drawn("g", {}, ...parts, ...marks);
}

/** The first series has dots, the second squares. */
function marker(/** @type {number} */ series, /** @type {number} */ x, /** @type {number} */ y) {
  return series === 0
    ? drawn("circle", { class: "series-0 fill", cx: x, cy: y, r: 3.5 })
    : drawn("rect", { class: "series-1 hollow", x: x - 3.5, y: y - 3.5, width: 7, height: 7 });
}

function label(/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ words, /** @type {string} */ anchor) {
  const made = drawn("text", { x, y, "text-anchor": anchor });
  made.textContent = words;
  return made;
}
