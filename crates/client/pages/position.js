// Where the device is. The browser is asked only after a press on a button, and the position never
// leaves the device.
import { tab } from "./device.js";

/** @typedef {{ lat: number, lon: number }} Position */

const KEY = "postos.posicao";
/** After this time the device may be elsewhere. A browser that opens its tabs again has what they kept. */
const MAX_AGE = 10 * 60_000;
const EARTH_RADIUS_KM = 6371;
const radians = (/** @type {number} */ degrees) => (degrees * Math.PI) / 180;

/**
 * The great-circle distance, NaN where either place is not known.
 * @param {Position} from @param {Position} to
 */
export function kilometres(from, to) {
  const [lat, lon] = [radians(to.lat - from.lat), radians(to.lon - from.lon)];
  const a = Math.sin(lat / 2) ** 2
    + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.sin(lon / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** What was found last, where nothing can be kept. @type {Position & { at: number } | null} */
let found = null;

/** The position that was given in this tab a short while ago. @returns {Position | null} */
export function knownPosition() {
  const { lat, lon, at } = tab.load(KEY) ?? found ?? {};
  const age = Date.now() - at;
  return Number.isFinite(lat) && Number.isFinite(lon) && age >= 0 && age < MAX_AGE ? { lat, lon } : null;
}

/**
 * Asks the browser.
 * @returns {Promise<Position>} Rejects with the reason: `insecure`, `unsupported`, `denied`, `unavailable` or `slow`.
 */
export function askPosition() {
  // Browsers have no positions for pages over plain HTTP, other than of the same machine.
  if (!globalThis.isSecureContext) return Promise.reject("insecure");
  if (!navigator.geolocation) return Promise.reject("unsupported");
  const reasons = ["unavailable", "denied", "unavailable", "slow"];
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const position = { lat: coords.latitude, lon: coords.longitude };
        found = { ...position, at: Date.now() };
        tab.save(KEY, found);
        resolve(position);
      },
      (error) => reject(reasons[error.code] ?? "unavailable"),
      { enableHighAccuracy: true, timeout: 12_000, maximumAge: 60_000 },
    );
  });
}
