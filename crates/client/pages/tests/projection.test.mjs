import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ZOOM, fit, metresPerPixel, project, roundLength, tilesOf, unproject, worldSize } from "../projection.js";

const isNear = (one, other, tolerance = 1e-9) => assert.ok(Math.abs(one - other) < tolerance, `${one} is not ${other}`);

test("the projection and its inverse", () => {
  assert.deepEqual(project({ lat: 0, lon: 0 }), { x: 0.5, y: 0.5 });
  for (const place of [{ lat: -23.5505, lon: -46.6333 }, { lat: 60, lon: 170 }, { lat: 85, lon: -180 }]) {
    const back = unproject(project(place));
    isNear(back.lat, place.lat);
    isNear(back.lon, place.lon);
  }
  const pole = project({ lat: -90, lon: 0 });
  isNear(pole.y, 1, 1e-6);
});

test("a view shows all its points, within the margin", () => {
  const size = { width: 390, height: 300 };
  const points = [[-23.5, -46.6], [-23.7, -46.4], [-23.6, -46.9]].map(([lat, lon]) => project({ lat, lon }));
  const view = fit(points, size, 30);
  for (const { x, y } of points) {
    assert.ok(Math.abs(x - view.x) * worldSize(view.zoom) <= size.width / 2 - 30 + 0.001);
    assert.ok(Math.abs(y - view.y) * worldSize(view.zoom) <= size.height / 2 - 30 + 0.001);
  }
});

test("one point is shown with what is around it, and very many are no problem", () => {
  const [one] = [project({ lat: -23.5, lon: -46.6 })];
  assert.deepEqual(fit([one], { width: 300, height: 300 }, 30), { ...one, zoom: 15 });
  const many = Array.from({ length: 200_000 }, (_, index) => ({ x: index / 200_000, y: 0.5 }));
  assert.ok(fit(many, { width: 300, height: 300 }, 30).zoom <= MAX_ZOOM);
});

test("the scale is right and round", () => {
  isNear(metresPerPixel(0, 0), 156_543.03, 0.01);
  isNear(metresPerPixel(60, 1), 156_543.03 / 4, 0.01);
  assert.deepEqual([1, 3, 7, 10, 49, 99, 260_000].map(roundLength), [1, 2, 5, 10, 20, 50, 200_000]);
});

test("tiles cover the map", () => {
  const size = { width: 600, height: 400 };
  const view = { ...project({ lat: -23.55, lon: -46.63 }), zoom: 12.4 };
  const tiles = tilesOf(view, size);
  assert.ok(tiles.every(({ z }) => z === 12));
  assert.ok(Math.min(...tiles.map(({ left }) => left)) <= -300);
  assert.ok(Math.max(...tiles.map(({ left, size: width }) => left + width)) >= 300);
  assert.ok(Math.min(...tiles.map(({ top }) => top)) <= -200);
  assert.ok(Math.max(...tiles.map(({ top, size: height }) => top + height)) >= 200);
  const [first] = tiles;
  assert.ok(first.x >= 0 && first.x < 4096 && first.y >= 0 && first.y < 4096);
});

test("the world goes on at its edge", () => {
  const tiles = tilesOf({ x: 0.01, y: 0.5, zoom: 2 }, { width: 600, height: 200 });
  assert.ok(tiles.every(({ x }) => x >= 0 && x < 4));
  assert.ok(tiles.some(({ column }) => column < 0));
});
