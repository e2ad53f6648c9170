import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, fakePage } from "./fake_page.mjs";
import "./shared.mjs";

fakePage();
const { Tiles } = await import("../map_tiles.js");

/** A map with one tile, and how often it was asked for. */
function draw() {
  const tiles = new Tiles("https://tiles.example.com/{z}/{x}/{y}.png");
  tiles.draw({ x: 0.5, y: 0.5, zoom: 4.5 }, { width: 1, height: 1 });
  const [image] = tiles.images.values();
  const asked = [image.attributes.get("href")];
  const { setAttribute } = image;
  image.setAttribute = (name, value) => {
    if (name === "href") asked.push(value);
    setAttribute.call(image, name, value);
  };
  return { image, asked };
}

test("a tile that could not be loaded is asked for again, a few times", (t) => {
  const clock = fakeClock(t, 0);
  const { image, asked } = draw();
  for (let failures = 0; failures < 10; failures += 1) {
    image.listeners.get("error")();
    clock.tick(60_000);
  }
  assert.equal(asked.length, 4);
  assert.equal(new Set(asked).size, 1);
});

test("a tile that is not shown any more is not asked for", (t) => {
  const clock = fakeClock(t, 0);
  const { image, asked } = draw();
  image.listeners.get("error")();
  image.remove();
  clock.tick(60_000);
  assert.equal(asked.length, 1);
});
