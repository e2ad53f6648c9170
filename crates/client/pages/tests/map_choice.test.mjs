import assert from "node:assert/strict";
import { test } from "node:test";
import { choice } from "../map_choice.js";

const point = (key, x, isFree = false) => ({ key, x, y: 0, isFree });

test("the nearest point within reach is meant", () => {
  const points = [point("far", 30, true), point("near", 10), point("nearer", -9)];
  assert.deepEqual(choice(points, 22, undefined), { point: points[2], number: 1, count: 1 });
  assert.equal(choice(points.slice(0, 1), 22, undefined), null);
  assert.equal(choice([], Infinity, undefined), null);
});

test("each press goes on to the next at the place, from a free one", () => {
  const points = [point("taken", 1), point("free", 1.5, true), point("other", 2), point("elsewhere", 9, true)];
  let chosen;
  const pressed = [];
  for (let press = 0; press < 4; press++) {
    const { point: { key }, number, count } = choice(points, 22, chosen);
    pressed.push([key, number, count]);
    chosen = key;
  }
  assert.deepEqual(pressed, [["free", 1, 3], ["taken", 2, 3], ["other", 3, 3], ["free", 1, 3]]);
});
