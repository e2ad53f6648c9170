// Waits for a condition. What is waited for is named, so that a failure says what did not happen.
const POLL = 50;
export const LIMIT = 30_000;

/**
 * Resolves with the first value of `probe` that is neither `false` nor empty.
 * @param {string} what
 * @param {() => any} probe
 */
export async function until(what, probe, limit = LIMIT) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

export function expectEqual(actual, expected, what) {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`${what}: ${seen}, not ${wanted}`);
}
