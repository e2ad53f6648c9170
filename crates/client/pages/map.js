// The map: the postos as points that the page draws itself, over tiles only where the operator has set
// some. Everything that it shows is in the list too.
import { drawn, element, setText } from "./dom.js";
import { decimal, distance } from "./format.js";
import { choice } from "./map_choice.js";
import { listenToGestures } from "./map_gestures.js";
import { Tiles } from "./map_tiles.js";
import { clampZoom, fit, metresPerPixel, project, roundLength, unproject, worldSize } from "./projection.js";
import { text } from "./texts.js";
import { postoLink } from "./links.js";

/**
 * @typedef {import("./postos.js").Posto} Posto
 * @typedef {{ x: number, y: number, zoom: number }} View
 * @typedef {{ posto: Posto, x: number, y: number, mark: SVGElement, isSeen?: boolean }} Point
 */

const MARGIN = 36;
/** A press this near to a point, in pixels, means it. */
const PRESS_RADIUS = 22;
const SCALE_WIDTH = 110;
/** So much of a point may be beyond the edge of the map, in pixels. */
const MAX_OVERLAP = 12;
/** How many of the postos around the driver are shown at first. */
const NEAREST = 12;
/** More points than this are drawn smaller. */
const MAX_LARGE = 60;
const SMALL_SCALE = 0.7;
/** A state differs by its form too. */
const SHAPES = {
  free: "M0-9A9 9 0 1 1 0 9A9 9 0 1 1 0-9Z",
  taken: "M-7.5-7.5H7.5V7.5H-7.5Z",
  maintenance: "M0-9.5L9.5 7.5H-9.5Z",
  unreachable: "M0-7A7 7 0 1 1 0 7A7 7 0 1 1 0-7Z",
};
/** The later ones are drawn over the others. */
const LAYERS = /** @type {Posto["state"][]} */ (["unreachable", "maintenance", "taken", "free"]);

export class PostoMap {
  /**
   * @param {HTMLElement} container
   * @param {{ onChoose: (posto: Posto) => void }} handlers `onChoose`: the driver wants to see its card.
   */
  constructor(container, { onChoose }) {
    this.container = container;
    this.onChoose = onChoose;
    /** @type {View | null} */
    this.view = null;
    /** Whether the driver has moved the map: it then stays as it is. */
    this.isMoved = false;
    /** @type {Map<string, Point>} */
    this.points = new Map();
    /** @type {Posto | null} */
    this.chosen = null;
    /** @type {{ x: number, y: number } | null} */
    this.here = null;
    this.frame = 0;
    this.build();
  }

  build() {
    const { tiles = "", credit = "" } = this.container.dataset;
    this.tiles = tiles ? new Tiles(tiles) : null;
    this.layers = new Map(LAYERS.map((state) => [state, drawn("g", { class: `points ${state}` })]));
    this.hereMark = drawn("path", { class: "here", d: "M-11 0H11M0-11V11M0-6A6 6 0 1 1 0 6A6 6 0 1 1 0-6Z", visibility: "hidden" });
    this.ring = drawn("circle", { class: "chosen", r: 15, visibility: "hidden" });
    this.drawing = drawn("svg", { class: "drawing", "aria-hidden": "true", focusable: "false" },
      this.tiles?.layer, ...this.layers.values(), this.ring, this.hereMark,
      drawn("path", { class: "centre", d: "M-12 0H-4M4 0H12M0-12V-4M0 4V12" }));
    this.scale = element("p", { class: "scale", "aria-hidden": "true" });
    this.card = element("div", { class: "chosen-posto", "aria-live": "polite" });
    this.surface = element("div", { class: "surface", tabindex: 0, role: "group", "aria-label": text("map.label") }, this.drawing);
    const button = (/** @type {string} */ sign, /** @type {string} */ key, /** @type {() => void} */ press) =>
      element("button", { type: "button", "aria-label": text(key), title: text(key), text: sign, onclick: press });
    const controls = element("div", { class: "controls" },
      button("+", "map.closer", () => this.zoomBy(1)),
      button("−", "map.farther", () => this.zoomBy(-1)),
      button("⤢", "map.all", () => this.showAll()));
    this.container.append(this.surface, controls, this.scale, this.card, this.legend());
    if (this.tiles && credit) this.container.append(element("p", { class: "credit", text: credit }));
    listenToGestures(this.surface, {
      pan: (x, y) => this.panBy(x, y),
      zoom: (levels, at) => this.zoomBy(levels, at),
      press: (at) => this.press(at, PRESS_RADIUS),
      pressCentre: () => this.press({ x: 0, y: 0 }, Infinity),
      all: () => this.showAll(),
    });
    new ResizeObserver(() => this.resized()).observe(this.surface);
  }

  legend() {
    const entry = (/** @type {Posto["state"]} */ state) => element("li", {},
      drawn("svg", { viewBox: "-12 -12 24 24", width: 20, height: 20, "aria-hidden": "true" },
        drawn("g", { class: `points ${state}` }, drawn("path", { d: SHAPES[state] }))),
      text(`state.${state}`));
    return element("ul", { class: "legend" }, ...[...LAYERS].reverse().map(entry));
  }

  /** @param {Posto[]} postos @param {{ lat: number, lon: number } | null} position */
  show(postos, position) {
    const placed = postos.filter(({ lat, lon }) => Number.isFinite(lat) && Number.isFinite(lon));
    this.container.hidden = placed.length === 0;
    this.container.classList.toggle("empty", placed.length === 0);
    // A new position is looked at, wherever the map was moved before.
    if (position && !this.here) this.isMoved = false;
    this.here = position ? project(position) : null;
    const gone = new Set(this.points.keys());
    for (const posto of placed) {
      gone.delete(posto.key);
      this.place(posto);
    }
    for (const key of gone) {
      this.points.get(key)?.mark.remove();
      this.points.delete(key);
    }
    if (this.chosen) this.choose(this.points.get(this.chosen.key)?.posto ?? null);
    if (!this.isMoved || !this.view) this.fitPoints();
    this.draw();
  }

  /** @param {Posto} posto */
  place(posto) {
    const before = this.points.get(posto.key);
    if (before?.posto === posto) return;
    const mark = before?.mark ?? drawn("path", {});
    if (before?.posto.state !== posto.state) {
      mark.setAttribute("d", SHAPES[posto.state]);
      this.layers?.get(posto.state)?.append(mark);
    }
    this.points.set(posto.key, { posto, mark, isSeen: before?.isSeen, ...project(posto) });
  }

  size() {
    return { width: this.surface.clientWidth, height: this.surface.clientHeight };
  }

  /** Shows all points or, where the position is known, it and the nearest. */
  fitPoints(points = this.nearest()) {
    const size = this.size();
    if (size.width > 0 && points.length > 0) this.view = fit(points, size, MARGIN);
  }

  /** @returns {{ x: number, y: number }[]} */
  nearest() {
    const { here } = this;
    const points = [...this.points.values()];
    if (!here) return points;
    const away = (/** @type {Point} */ { x, y }) => Math.hypot(x - here.x, y - here.y);
    return [here, ...points.sort((one, other) => away(one) - away(other)).slice(0, NEAREST)];
  }

  showAll() {
    this.isMoved = true;
    this.fitPoints([...this.points.values(), ...(this.here ? [this.here] : [])]);
    this.draw();
  }

  resized() {
    if (!this.isMoved) this.fitPoints();
    this.draw();
  }

  /** Moves what is shown by so many pixels. @param {number} x @param {number} y */
  panBy(x, y) {
    if (!this.view) return;
    const world = worldSize(this.view.zoom);
    this.isMoved = true;
    this.view = { ...this.view, x: this.view.x - x / world, y: Math.min(1, Math.max(0, this.view.y - y / world)) };
    this.draw();
  }

  /**
   * @param {number} levels
   * @param {{ x: number, y: number }} [at] What stays where it is, in pixels from the centre.
   */
  zoomBy(levels, at = { x: 0, y: 0 }) {
    if (!this.view) return;
    const { x, y, zoom: before } = this.view;
    const zoom = clampZoom(before + levels);
    const moved = 1 / worldSize(before) - 1 / worldSize(zoom);
    this.isMoved = true;
    this.view = { x: x + at.x * moved, y: y + at.y * moved, zoom };
    this.draw();
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.view && this.size().width > 0) this.drawView(this.view);
    });
  }

  /** @param {View} view */
  drawView(view) {
    const size = this.size();
    this.drawing.setAttribute("viewBox", `${-size.width / 2} ${-size.height / 2} ${size.width} ${size.height}`);
    const world = worldSize(view.zoom);
    const move = (/** @type {Element} */ mark, /** @type {{ x: number, y: number }} */ { x, y }, scale = 1) =>
      mark.setAttribute("transform", `translate(${((x - view.x) * world).toFixed(1)} ${((y - view.y) * world).toFixed(1)}) scale(${scale})`);
    const isSeen = (/** @type {Point} */ { x, y }) =>
      Math.abs(x - view.x) * world < size.width / 2 + MAX_OVERLAP && Math.abs(y - view.y) * world < size.height / 2 + MAX_OVERLAP;
    const points = [...this.points.values()];
    const scale = points.filter(isSeen).length > MAX_LARGE ? SMALL_SCALE : 1;
    for (const point of points) {
      const seen = isSeen(point);
      if (seen) move(point.mark, point, scale);
      if (seen !== point.isSeen) point.mark.setAttribute("visibility", seen ? "visible" : "hidden");
      point.isSeen = seen;
    }
    const chosen = this.chosen && this.points.get(this.chosen.key);
    this.ring?.setAttribute("visibility", chosen ? "visible" : "hidden");
    if (chosen && this.ring) move(this.ring, chosen);
    this.hereMark?.setAttribute("visibility", this.here ? "visible" : "hidden");
    if (this.here && this.hereMark) move(this.hereMark, this.here);
    this.tiles?.draw(view, size);
    this.drawScale(view);
  }

  /** @param {View} view */
  drawScale(view) {
    const perPixel = metresPerPixel(unproject(view).lat, view.zoom);
    const metres = roundLength(perPixel * SCALE_WIDTH);
    setText(this.scale, metres < 1000 ? distance(metres / 1000) : `${decimal(metres / 1000)} km`);
    this.scale.style.width = `${Math.round(metres / perPixel)}px`;
  }

  /** @param {{ x: number, y: number }} at In pixels from the centre. @param {number} reach */
  press(at, reach) {
    if (!this.view) return;
    const { x, y, zoom } = this.view;
    const world = worldSize(zoom);
    const points = [...this.points.values()].map(({ posto, ...point }) => ({
      posto,
      key: posto.key,
      isFree: posto.state === "free",
      x: (point.x - x) * world - at.x,
      y: (point.y - y) * world - at.y,
    }));
    const found = choice(points, reach, this.chosen?.key);
    this.choose(found?.point.posto ?? null, found ?? undefined);
    this.draw();
  }

  /**
   * @param {Posto | null} posto
   * @param {{ number: number, count: number }} place Which of the postos at its place it is.
   */
  choose(posto, { number, count } = { number: 1, count: 1 }) {
    if (this.chosen === posto) return;
    const isSame = this.chosen !== null && this.chosen.key === posto?.key;
    this.chosen = posto;
    const state = this.card.querySelector(".state");
    if (posto && isSame && state) {
      // What has the focus in the card keeps it.
      state.setAttribute("data-state", posto.state);
      setText(state, text(`state.${posto.state}`));
      return;
    }
    if (!posto) {
      this.card.replaceChildren();
      return;
    }
    this.card.replaceChildren(
      element("p", { class: "state", "data-state": posto.state, text: text(`state.${posto.state}`) }),
      element("p", {}, element("a", { href: postoLink(posto), text: posto.nome })),
      ...(count > 1 ? [element("p", { class: "quiet", text: text("map.here", { number, count }) })] : []),
      element("button", { type: "button", text: text("map.to_card"), onclick: () => this.onChoose(posto) }));
  }
}
