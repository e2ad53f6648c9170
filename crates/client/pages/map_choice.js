// Which posto a press on the map means. Several may be at one place: at a charging site they usually are.

/**
 * @template {{ x: number, y: number, isFree: boolean, key: string }} Point
 * @typedef {{ point: Point, number: number, count: number }} Choice `number` of the `count` that are there.
 */

/** Points no farther apart than this, in pixels, are at one place. */
const SAME_PLACE = 2;

/**
 * The point that is nearest to the press. Of several at its place a free one comes first, and each further
 * press goes on to the next.
 * @template {{ x: number, y: number, isFree: boolean, key: string }} Point
 * @param {Point[]} points In pixels from the press.
 * @param {number} reach How far away it may be, in pixels.
 * @param {string | undefined} chosen The key of the point that was chosen last.
 * @returns {Choice<Point> | null}
 */
export function choice(points, reach, chosen) {
  const away = ({ x, y }) => Math.hypot(x, y);
  const nearest = points.reduce((best, point) => (best && away(best) <= away(point) ? best : point), null);
  if (!nearest || away(nearest) >= reach) return null;
  const there = points.filter(({ x, y }) => Math.hypot(x - nearest.x, y - nearest.y) <= SAME_PLACE);
  const ordered = [...there.filter(({ isFree }) => isFree), ...there.filter(({ isFree }) => !isFree)];
  const next = (ordered.findIndex(({ key }) => key === chosen) + 1) % ordered.length;
  return { point: ordered[next], number: next + 1, count: ordered.length };
}
