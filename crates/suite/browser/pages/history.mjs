// A month of a site that looks like one: what `screenshots.mjs` shows. The same every time but for the
// date, because pages show what is true now.
const DAY = 86_400_000;
const MINUTE = 60_000;

/** Numbers from 0 to 1, the same in each run (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Sessions of the last 29 days on these postos, none of which overlap. */
export function sessions(postos, now = Date.now()) {
  const next = random(16);
  const made = [];
  for (let day = 29; day >= 1; day -= 1) {
    const midnight = new Date(now - day * DAY).setHours(0, 0, 0, 0);
    const isWeekend = [0, 6].includes(new Date(midnight).getDay());
    for (const { id, potencia_maxima } of postos) {
      let at = midnight + (6 + 3 * next()) * 60 * MINUTE;
      const busy = (isWeekend ? 2 : 4) * (0.5 + next());
      for (let count = 0; count < busy && at < midnight + 0.9 * DAY; count += 1) {
        const minutes = 25 + Math.round(next() * 80);
        const fim = at + minutes * MINUTE;
        const energia_fornecida = Math.round(Math.min(potencia_maxima, 45) * (minutes / 60) * (0.5 + 0.4 * next()) * 10) / 10;
        made.push({ posto_id: id, placa: placa(next), inicio: iso(at), fim: iso(fim), energia_fornecida });
        at = fim + (40 + next() * 200) * MINUTE;
      }
    }
  }
  return made;
}

const iso = (at) => new Date(at).toISOString();

/** A placa as they are given since 2018. */
export function placa(next) {
  const letter = () => String.fromCharCode(65 + Math.floor(next() * 26));
  const digit = () => Math.floor(next() * 10);
  return `${letter()}${letter()}${letter()}${digit()}${letter()}${digit()}${digit()}`;
}
