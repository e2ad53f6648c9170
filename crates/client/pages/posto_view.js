// How a posto is shown, in the list and on its own page.
import { setField } from "./dom.js";
import { distance, kw, pricePerKwh } from "./format.js";
import { keyOf } from "./postos.js";
import { text } from "./texts.js";

/** @typedef {import("./postos.js").Posto} Posto */

const STATES = ["free", "taken", "maintenance", "unreachable"];

/** The posto that this part of the HTML shows. @returns {Posto} */
export function readPosto(/** @type {HTMLElement} */ part) {
  const { serverId = "", postoId, state = "", lat, lon, power, price, connector = "" } = part.dataset;
  const number = (/** @type {string | undefined} */ value) => (value ? Number(value) : NaN);
  const id = Number(postoId);
  return {
    key: keyOf(serverId, id),
    server_id: serverId,
    posto_id: id,
    nome: part.querySelector("h1, h2, h3")?.textContent?.trim() ?? "",
    lat: number(lat),
    lon: number(lon),
    power: number(power),
    price: number(price),
    connector,
    state: /** @type {Posto["state"]} */ (STATES.includes(state) ? state : "unreachable"),
  };
}

/** @param {HTMLElement} part @param {Posto} posto */
export function showPosto(part, posto) {
  const { server_id, posto_id, state, lat, lon, power, price, connector } = posto;
  const known = (/** @type {number} */ value) => (Number.isNaN(value) ? "" : String(value));
  Object.assign(part.dataset, {
    serverId: server_id, postoId: String(posto_id), state, connector,
    lat: known(lat), lon: known(lon), power: known(power), price: known(price),
  });
  setField(part, "state", text(`state.${state}`));
  setField(part, "connector", connector);
  setField(part, "power", kw(power));
  setField(part, "price", pricePerKwh(price));
  setField(part, "servidor", server_id);
}

/** @param {HTMLElement} part @param {number} kilometres NaN where it is not known. */
export function showDistance(part, kilometres) {
  const field = /** @type {HTMLElement | null} */ (part.querySelector('[data-field="distance"]'));
  if (!field) return;
  const isKnown = !Number.isNaN(kilometres);
  setField(part, "distance", isKnown ? distance(kilometres) : "");
  field.hidden = !isKnown;
}
