// Web Mercator, as maps use it: the world is a square from 0 to 1, and 256 pixels wide at zoom 0.

const TILE = 256;
/** Beyond it the projection goes to infinity. */
const MAX_LATITUDE = 85.05112878;
const MIN_ZOOM = 2;
export const MAX_ZOOM = 19;
const METRES_AROUND = 40_075_016.686;

const clamp = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) => Math.min(most, Math.max(least, value));

/** @param {{ lat: number, lon: number }} place */
export function project({ lat, lon }) {
  const sine = Math.sin((clamp(lat, -MAX_LATITUDE, MAX_LATITUDE) * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

/** @param {{ x: number, y: number }} point */
export function unproject({ x, y }) {
  return { lat: (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI, lon: (x - 0.5) * 360 };
}

/** How many pixels wide the world is. */
export const worldSize = (/** @type {number} */ zoom) => TILE * 2 ** zoom;

export const clampZoom = (/** @type {number} */ zoom) => clamp(zoom, MIN_ZOOM, MAX_ZOOM);

/**
 * The view that shows all these points.
 * @param {{ x: number, y: number }[]} points At least one.
 * @param {{ width: number, height: number }} size Of the map, in pixels.
 * @param {number} margin In pixels, on each side.
 * @param {number} [closest] The zoom that a single point is shown at.
 */
export function fit(points, { width, height }, margin, closest = 15) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  // A spread of all values would be too many arguments for very many points.
  const range = (/** @type {number[]} */ values) => values.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  const [[left, right], [top, bottom]] = [range(xs), range(ys)];
  const zoomFor = (/** @type {number} */ pixels, /** @type {number} */ extent) => Math.log2(Math.max(1, pixels - 2 * margin) / TILE / extent);
  const zoom = clampZoom(Math.min(zoomFor(width, right - left), zoomFor(height, bottom - top), closest));
  return { x: (left + right) / 2, y: (top + bottom) / 2, zoom };
}

/** How many metres one pixel is at this latitude. */
export function metresPerPixel(/** @type {number} */ lat, /** @type {number} */ zoom) {
  return (METRES_AROUND * Math.cos((lat * Math.PI) / 180)) / worldSize(zoom);
}

/** The longest of 1, 2 or 5 times a power of ten metres that is not over this length. */
export function roundLength(/** @type {number} */ metres) {
  const power = 10 ** Math.floor(Math.log10(metres));
  const step = [5, 2, 1].find((factor) => factor * power <= metres) ?? 1;
  return step * power;
}

/**
 * The tiles that cover the map.
 * @param {{ x: number, y: number, zoom: number }} view
 * @param {{ width: number, height: number }} size
 * @returns {{ z: number, x: number, y: number, column: number, left: number, top: number, size: number }[]}
 *   With the place of each on the map, in pixels from its centre; `column` differs where one tile is
 *   seen twice, because the world goes on at its edge.
 */
export function tilesOf(view, { width, height }) {
  const z = clamp(Math.round(view.zoom), 0, MAX_ZOOM);
  const count = 2 ** z;
  const size = worldSize(view.zoom) / count;
  const [centreX, centreY] = [view.x * count, view.y * count];
  const [halfX, halfY] = [width / 2 / size, height / 2 / size];
  const tiles = [];
  for (let y = Math.max(0, Math.floor(centreY - halfY)); y <= Math.min(count - 1, Math.floor(centreY + halfY)); y += 1) {
    for (let column = Math.floor(centreX - halfX); column <= Math.floor(centreX + halfX); column += 1) {
      const x = ((column % count) + count) % count;
      tiles.push({ z, x, y, column, left: (column - centreX) * size, top: (y - centreY) * size, size });
    }
  }
  return tiles;
}
