// What the page knows of the servidor at the moment, from one round of questions.
import { ApiError, call, now } from "./api.js";
import { allPages } from "./lists.js";
import { postosNow } from "./postos_now.js";
import { api } from "./session.js";

/** Pages of 500 that are read of a list; what is beyond them is not shown, and the page says so. */
const MAX_PAGES = 8;

export const facts = {
  /** @type {import("./postos_now.js").Posto[]} */
  postos: [],
  /** @type {import("./postos_now.js").Reserva[]} Those that are `ativa`. */
  reservas: [],
  /** @type {import("./postos_now.js").Session[]} Those that are open. */
  sessions: [],
  /** @type {string | null} Why the servidor is not ready. */
  notReady: null,
  /** When it was read, by the clock of the device; 0 if never. */
  readAt: 0,
  /** Whether all that holds a posto is known, and not only the public list. */
  isComplete: false,
  /** Whether nothing else is known since the API wants a token and has none. */
  isPublic: false,
  /** Whether there are more reservas or sessions than were read. */
  isCut: false,
};

/** @type {Map<number, string>} */
let names = new Map();

/** What each posto does now. */
export const current = () => postosNow(facts.postos, facts.reservas, facts.sessions, now());

/** How a posto is called; one that was removed by its number. */
export function nameOf(/** @type {number} */ id) {
  return names.get(id) ?? `#${id}`;
}

/**
 * Asks for everything. What is known changes as a whole, so that one time is true of all of it; before
 * the first time the public list is shown alone. `shown` is called when there is something new to show.
 * @param {AbortSignal} signal
 * @param {() => void} shown
 */
export async function load(signal, shown) {
  const [notReady, { postos }] = await Promise.all([whyNotReady(signal), call("postos", { signal })]);
  names = new Map(postos.map((/** @type {import("./postos_now.js").Posto} */ { id, nome }) => [id, nome]));
  const known = { postos, notReady, readAt: Date.now() };
  if (!facts.isComplete) {
    Object.assign(facts, known);
    shown();
  }
  try {
    Object.assign(facts, await uses(signal), known, { isComplete: true, isPublic: false });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    Object.assign(facts, known, { isPublic: true });
  }
  shown();
}

/** Who uses the postos. */
async function uses(/** @type {AbortSignal} */ signal) {
  const [reservas, sessions] = await Promise.all([
    allPages((page) => api(`reservas?status=ativa&limite=500${page}`, { signal }), "reservas", MAX_PAGES),
    allPages((page) => api(`carregamentos?status=ativo&limite=500${page}`, { signal }), "carregamentos", MAX_PAGES),
  ]);
  return { reservas: reservas.rows, sessions: sessions.rows, isCut: !reservas.isWhole || !sessions.isWhole };
}

/** @returns {Promise<string | null>} */
async function whyNotReady(/** @type {AbortSignal} */ signal) {
  try {
    await call("readyz", { signal });
    return null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return error.mensagem;
    throw error;
  }
}

/** After the operator has gone: what names people is known no more. */
export function forget() {
  Object.assign(facts, { reservas: [], sessions: [], isComplete: false });
}
