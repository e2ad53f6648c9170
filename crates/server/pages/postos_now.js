// What each posto does now, from the lists of the API: postos, reservas that are `ativa`, sessions that
// are open. No DOM here.

/**
 * @typedef {{ disponivel: boolean, em_manutencao: boolean, desde?: string }} Says
 * @typedef {{ id: number, nome: string, disponivel: boolean, em_manutencao: boolean, operador: Says,
 *   carregador: Says | null, tipo_conector: string, potencia_maxima: number, preco_kwh: number }} Posto
 * @typedef {{ id: number, posto_id: number, placa: string | null, inicio: string, fim: string,
 *   status: string, aviso?: string }} Reserva
 * @typedef {{ id: number, posto_id: number, placa: string | null, inicio: string }} Session
 * @typedef {"charging" | "reserved" | "free" | "maintenance" | "out" | "taken"} State
 * @typedef {{ posto: Posto, state: State, by: "operador" | "carregador" | null, since: string | null,
 *   session: Session | null, reserva: Reserva | null, next: Reserva | null }} Now
 */

/** The states in the order in which they are shown. */
export const STATES = /** @type {const} */ (["charging", "reserved", "taken", "free", "maintenance", "out"]);

/**
 * @param {Posto[]} postos
 * @param {Reserva[]} reservas
 * @param {Session[]} sessions
 * @param {number} now By the clock of the servidor.
 * @returns {Now[]}
 */
export function postosNow(postos, reservas, sessions, now) {
  const open = new Map(sessions.map((session) => [session.posto_id, session]));
  const held = byPosto(reservas);
  return postos.map((posto) => {
    const session = open.get(posto.id) ?? null;
    const own = [...held.get(posto.id) ?? []].sort((a, b) => Date.parse(a.inicio) - Date.parse(b.inicio));
    const current = own.find((reserva) => Date.parse(reserva.inicio) <= now && now < Date.parse(reserva.fim)) ?? null;
    const next = own.find((reserva) => Date.parse(reserva.inicio) > now) ?? null;
    const state = stateOf(posto, session, current);
    const by = outOfServiceBy(posto);
    const since = by === "carregador" ? (posto.carregador?.desde ?? null) : null;
    return { posto, state, by, since, session, reserva: current, next };
  });
}

/** @param {Reserva[]} reservas */
export function byPosto(reservas) {
  /** @type {Map<number, Reserva[]>} */
  const groups = new Map();
  for (const reserva of reservas) {
    const group = groups.get(reserva.posto_id);
    if (group) group.push(reserva);
    else groups.set(reserva.posto_id, [reserva]);
  }
  return groups;
}

/** @returns {State} */
function stateOf(/** @type {Posto} */ posto, /** @type {Session | null} */ session, /** @type {Reserva | null} */ reserva) {
  if (session) return "charging";
  if (posto.em_manutencao) return "maintenance";
  if (outOfServiceBy(posto)) return "out";
  if (reserva) return "reserved";
  // The lists are not read in one moment, so one may be newer than another.
  return posto.disponivel ? "free" : "taken";
}

/** Who says that a posto is not in service; the operator first. `null` if it is. */
export function outOfServiceBy(/** @type {Posto} */ { operador, carregador }) {
  if (!operador.disponivel || operador.em_manutencao) return "operador";
  if (carregador && (!carregador.disponivel || carregador.em_manutencao)) return "carregador";
  return null;
}

/** How many postos are in each state. */
export function counts(/** @type {Now[]} */ postos) {
  const count = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const { state } of postos) count[state] += 1;
  return count;
}

/** Those whose name or number has what was typed, in these states if any are given. */
export function matching(/** @type {Now[]} */ postos, /** @type {string} */ typed, /** @type {Set<string>} */ states) {
  const wanted = plain(typed);
  return postos.filter(({ posto, state }) => {
    const named = plain(posto.nome).includes(wanted) || String(posto.id) === wanted;
    return named && (states.size === 0 || states.has(state));
  });
}

/** Without accents and capitals, as people type when they search. */
export const plain = (/** @type {string} */ text) => text.trim().normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
