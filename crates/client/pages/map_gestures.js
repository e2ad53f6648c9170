// What a driver does with the map: by pointer, by two fingers, by wheel and by keyboard.

/**
 * @typedef {{ x: number, y: number }} Place In pixels from the centre of the surface.
 * @typedef {{ pan: (x: number, y: number) => void, zoom: (levels: number, at?: Place) => void,
 *   press: (at: Place) => void, pressCentre: () => void, all: () => void }} Handlers
 */

/** A pointer that moved less was pressed, not dragged. */
const SLOP = 6;
const KEY_STEP = 60;
const WHEEL_STEP = 0.004;

/**
 * One finger up or down scrolls the page, as everywhere else on it (`touch-action: pan-y`).
 * @param {HTMLElement} surface @param {Handlers} handlers
 */
export function listenToGestures(surface, handlers) {
  listenToPointers(surface, handlers);
  surface.addEventListener("wheel", (event) => {
    // Without the key the wheel scrolls the page; browsers report a pinch on a touchpad with it.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    handlers.zoom(-event.deltaY * WHEEL_STEP, placeOf(surface, event));
  }, { passive: false });
  surface.addEventListener("dblclick", (event) => handlers.zoom(1, placeOf(surface, event)));
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => handlers.pan(KEY_STEP, 0),
      ArrowRight: () => handlers.pan(-KEY_STEP, 0),
      ArrowUp: () => handlers.pan(0, KEY_STEP),
      ArrowDown: () => handlers.pan(0, -KEY_STEP),
      "+": () => handlers.zoom(1),
      "=": () => handlers.zoom(1),
      "-": () => handlers.zoom(-1),
      Home: handlers.all,
      Enter: handlers.pressCentre,
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {HTMLElement} surface @param {Handlers} handlers */
function listenToPointers(surface, { pan, zoom, press }) {
  /** @type {Map<number, Place>} */
  const down = new Map();
  let travelled = 0;
  surface.addEventListener("pointerdown", (event) => {
    // On a Mac the main button with this key opens the context menu, after which nothing ends the press.
    if (event.button !== 0 || event.ctrlKey) return;
    if (down.size === 0) travelled = 0;
    down.set(event.pointerId, placeOf(surface, event));
    surface.setPointerCapture(event.pointerId);
  });
  surface.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    // It was lifted where the page was not told, such as in a menu or another window.
    if (event.buttons === 0) {
      down.delete(event.pointerId);
      return;
    }
    const [was, place] = [gather(down), placeOf(surface, event)];
    down.set(event.pointerId, place);
    const is = gather(down);
    travelled += Math.hypot(place.x - before.x, place.y - before.y);
    if (travelled < SLOP) return;
    pan(is.x - was.x, is.y - was.y);
    if (was.spread > 0 && is.spread > 0) zoom(Math.log2(is.spread / was.spread), is);
  });
  surface.addEventListener("pointerup", (event) => {
    if (down.delete(event.pointerId) && down.size === 0 && travelled < SLOP) press(placeOf(surface, event));
  });
  surface.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
}

/** Where the fingers are together, and how far from there. @param {Map<number, Place>} down */
function gather(down) {
  const places = [...down.values()];
  const x = places.reduce((sum, place) => sum + place.x, 0) / places.length;
  const y = places.reduce((sum, place) => sum + place.y, 0) / places.length;
  const spread = places.reduce((sum, place) => sum + Math.hypot(place.x - x, place.y - y), 0) / places.length;
  return { x, y, spread };
}

/** @param {HTMLElement} surface @param {MouseEvent} event @returns {Place} */
function placeOf(surface, event) {
  const { left, top, width, height } = surface.getBoundingClientRect();
  return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 };
}
