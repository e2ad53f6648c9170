// The tiles under the points, where the operator has set an address for them.
import { drawn } from "./dom.js";
import { tilesOf } from "./projection.js";

/** How long after a tile could not be loaded it is asked for again; then it stays blank. */
const RETRIES = [2000, 8000, 30_000];

export class Tiles {
  /** @param {string} address With `{z}`, `{x}` and `{y}`. */
  constructor(address) {
    this.address = address;
    this.layer = drawn("g", { class: "tiles" });
    /** @type {Map<string, Element>} */
    this.images = new Map();
  }

  /** @param {import("./map.js").View} view @param {{ width: number, height: number }} size */
  draw(view, size) {
    const gone = new Set(this.images.keys());
    for (const { z, x, y, column, left, top, size: width } of tilesOf(view, size)) {
      const key = `${z}/${column}/${y}`;
      gone.delete(key);
      let image = this.images.get(key);
      if (!image) {
        const href = this.address.replaceAll("{z}", String(z)).replaceAll("{x}", String(x)).replaceAll("{y}", String(y));
        image = tile(href);
        this.images.set(key, image);
        this.layer.append(image);
      }
      // A hair wider, so that no line is seen between two.
      const box = { x: left.toFixed(1), y: top.toFixed(1), width: (width + 0.5).toFixed(1), height: (width + 0.5).toFixed(1) };
      for (const [name, value] of Object.entries(box)) image.setAttribute(name, value);
    }
    for (const key of gone) {
      this.images.get(key)?.remove();
      this.images.delete(key);
    }
  }
}

/** The image of a tile, which asks for it again where it could not be loaded. */
function tile(/** @type {string} */ href) {
  const retries = [...RETRIES];
  const image = drawn("image", {
    href,
    onerror: () => {
      const wait = retries.shift();
      if (wait !== undefined) setTimeout(again, wait);
    },
  });
  const again = () => {
    // One that the map does not show any more is not wanted.
    if (!image.isConnected) return;
    image.removeAttribute("href");
    image.setAttribute("href", href);
  };
  return image;
}
