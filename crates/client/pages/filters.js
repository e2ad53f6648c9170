// Which postos are shown and in which order: read from the form or the address, which spell it alike.

/**
 * @typedef {import("./postos.js").Posto} Posto
 * @typedef {{ server_id: string, tipo_conector: string, potencia_minima: string, disponivel: string,
 *   ordem: string, pagina: string }} Filters
 *   Empty where nothing is asked for.
 * @typedef {{ lat: number, lon: number }} Position
 */

const NAMES = /** @type {const} */ (["server_id", "tipo_conector", "potencia_minima", "disponivel", "ordem", "pagina"]);
const DEFAULTS = { ordem: "nome", pagina: "1" };

/** @returns {Filters} */
export function readFilters(/** @type {URLSearchParams | FormData} */ source) {
  const value = (/** @type {keyof Filters} */ name) => String(source.get(name) ?? "").trim();
  return /** @type {Filters} */ (Object.fromEntries(NAMES.map((name) => [name, value(name)])));
}

/** The query of the address for this view, `""` for the view without filters. */
export function writeFilters(/** @type {Filters} */ filters) {
  const said = NAMES.filter((name) => filters[name] && filters[name] !== DEFAULTS[/** @type {keyof typeof DEFAULTS} */ (name)]);
  const query = new URLSearchParams(said.map((name) => [name, filters[name]]));
  return said.length === 0 ? "" : `?${query}`;
}

const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
/** A text that is equal for all spellings of one connector. */
export const connectorKey = (/** @type {string} */ connector) =>
  connector.replace(INVISIBLE, "").trim().replace(/\s+/g, " ").toLowerCase();

/** Case, invisible characters and the number of blanks make no other connector, as on the server. */
export const isSameConnector = (/** @type {string} */ one, /** @type {string} */ other) => connectorKey(one) === connectorKey(other);

/** @param {Posto} posto @param {Filters} filters */
export function matches(posto, { server_id, tipo_conector, potencia_minima, disponivel }) {
  // A value that is no number asks for nothing, as on the server.
  const power = Number(potencia_minima.replace(",", "."));
  return (!server_id || posto.server_id === server_id)
    && (!tipo_conector || isSameConnector(posto.connector, tipo_conector))
    && (!(power > 0) || posto.power >= power)
    && (disponivel !== "true" || posto.state === "free");
}

const names = new Intl.Collator("pt-BR", { numeric: true, sensitivity: "base" });

/** @param {Posto} one @param {Posto} other */
const byName = (one, other) => names.compare(one.nome, other.nome)
  || (one.server_id < other.server_id ? -1 : Number(one.server_id > other.server_id))
  || one.posto_id - other.posto_id;

/**
 * A new list in this order; by name where the order needs a position and there is none.
 * @param {Posto[]} postos
 * @param {string} ordem
 * @param {(posto: Posto) => number} distanceTo NaN where it is not known.
 */
export function ordered(postos, ordem, distanceTo) {
  const last = (/** @type {number} */ value) => (Number.isNaN(value) ? Infinity : value);
  /** @type {Record<string, (posto: Posto) => number>} */
  const ranks = {
    preco: (posto) => posto.price,
    potencia: (posto) => -posto.power,
    distancia: (posto) => last(distanceTo(posto)),
  };
  const rank = ranks[ordem] ?? (() => 0);
  const ranked = postos.map((posto) => ({ posto, rank: rank(posto) }));
  ranked.sort((one, other) => (one.rank === other.rank ? 0 : one.rank - other.rank) || byName(one.posto, other.posto));
  return ranked.map(({ posto }) => posto);
}
