// Where the device is. The browser is asked only after a press on a button, and the position never
// leaves the device.
import { tab } from "./device.js";

/** @typedef {{ lat: number, lon: number }} Position */

const KEY = "postos.posicao";
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

/** The position that was given in this tab before. @returns {Position | null} */
export function knownPosition() {
  const kept = tab.load(KEY);
  return Number.isFinite(kept?.lat) && Number.isFinite(kept?.lon) ? { lat: kept.lat, lon: kept.lon } : null;
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
        tab.save(KEY, position);
        resolve(position);
      },
      (error) => reject(reasons[error.code] ?? "unavailable"),
      { enableHighAccuracy: true, timeout: 12_000, maximumAge: 60_000 },
    );
  });
}
