// The view of today: reservas and sessions, with what can be done about them.
import { now, query } from "./api.js";
import { byId, debounced, element, setText } from "./dom.js";
import { isWanted, pressed, say, showProblem } from "./dialogs.js";
import { refresh as refreshNow } from "./agora.js";
import { facts, nameOf } from "./facts.js";
import { kwh, moment, pricePerKwh, reais } from "./format.js";
import { interval } from "./interval.js";
import { allPages, bringUpToDate, setAttribute } from "./lists.js";
import { Poll } from "./poll.js";
import { api, mayWrite } from "./session.js";
import { endSession } from "./sessions.js";
import { counted, text } from "./texts.js";
import { isFound, ofToday, openFirst, sessionsOfToday, wholePlaca } from "./today.js";
import { plate, word } from "./words.js";

const POLL_INTERVAL = 30_000;
/** Pages of 500, beyond which the list says that it is cut. */
const PAGES = 3;
/** How many reservas of one placa are shown; a servidor allows a few. */
const MAX_OF_PLACA = 100;

/** @typedef {import("./today.js").Reserva} Reserva */

const poll = new Poll(POLL_INTERVAL, load, (error) => showProblem(byId("hoje-problem"), error));

/** What was read last: of today, and with a placa that was typed the reservas that it still has on any day. */
const read = {
  isKnown: false, reservas: /** @type {Reserva[]} */ ([]), sessions: /** @type {any[]} */ ([]),
  placa: "", ofPlaca: /** @type {Reserva[]} */ ([]),
};

const field = () => /** @type {HTMLInputElement} */ (byId("hoje-search"));

export function start() {
  field().addEventListener("input", debounced(200, search));
}

export const show = () => poll.start();
export const hide = () => poll.stop();

async function load(/** @type {AbortSignal} */ signal) {
  const midnight = new Date(now());
  midnight.setHours(0, 0, 0, 0);
  const nextMidnight = new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + 1);
  const [from, until] = [midnight.toISOString(), nextMidnight.toISOString()];
  const placa = wholePlaca(field().value);
  const [ofPlaca, reservas, ended, open] = await Promise.all([
    placa === "" ? [] : reservasOf(placa, signal),
    allPages((page) => api(`reservas?limite=500&de=${from}&ate=${until}${page}`, { signal }), "reservas", PAGES),
    allPages((page) => api(`carregamentos?limite=500&fim_de=${from}${page}`, { signal }), "carregamentos", PAGES),
    allPages((page) => api(`carregamentos?limite=500&status=ativo${page}`, { signal }), "carregamentos", PAGES),
  ]);
  read.reservas = ofToday(reservas.rows, midnight);
  read.sessions = sessionsOfToday([...open.rows, ...ended.rows], midnight);
  read.isKnown = true;
  // Another may have been typed meanwhile, whose answer this one must not replace.
  if (placa === wholePlaca(field().value)) Object.assign(read, { placa, ofPlaca });
  byId("hoje-cut").hidden = reservas.isWhole && ended.isWhole && open.isWhole;
  // Not awaited: the poll, which has succeeded, takes away the problem that is shown.
  search();
}

/** @returns {Promise<Reserva[]>} */
async function reservasOf(/** @type {string} */ placa, /** @type {AbortSignal | undefined} */ signal) {
  return (await api(`reservas${query({ placa, status: "ativa", limite: MAX_OF_PLACA })}`, { signal })).reservas;
}

/** Shows what was typed of; a whole placa is asked for, since its reservas may be of other days. */
async function search() {
  render();
  const placa = wholePlaca(field().value);
  if (!read.isKnown || placa === "" || placa === read.placa) return;
  try {
    const ofPlaca = await reservasOf(placa, undefined);
    // Something else was typed meanwhile.
    if (placa !== wholePlaca(field().value)) return;
    Object.assign(read, { placa, ofPlaca });
    render();
  } catch (error) {
    if (placa === wholePlaca(field().value)) showProblem(byId("hoje-problem"), error);
  }
}

/** After the operator has gone. */
export function forget() {
  Object.assign(read, { isKnown: false, reservas: [], sessions: [], placa: "", ofPlaca: [] });
  field().value = "";
}

const refresh = () => { poll.pollNow(); refreshNow(); };

export function render() {
  const typed = field().value;
  const isShown = (/** @type {{ placa: string | null, posto_id: number }} */ row) => isFound(row, nameOf(row.posto_id), typed);
  // The list of today has the newest state of those that are in both.
  const ofPlaca = read.placa === wholePlaca(typed) ? read.ofPlaca : [];
  const all = new Map([...ofPlaca, ...read.reservas].map((reserva) => [reserva.id, reserva]));
  const reservas = openFirst([...all.values()].filter(isShown), now());
  const sessions = read.sessions.filter(isShown);
  setText(byId("hoje-reservas-count"), read.isKnown ? counted("reservas", reservas.length) : "");
  setText(byId("hoje-sessions-count"), read.isKnown ? counted("sessions", sessions.length) : "");
  bringUpToDate(byId("hoje-reservas"), reservas, ({ id }) => String(id), makeRow, updateReserva);
  bringUpToDate(byId("hoje-sessions"), sessions, ({ id }) => String(id), makeRow, updateSession);
}

/** Roles are said, since on a phone the rows are no table to the browser. */
function makeRow() {
  return element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }),
    ...Array.from({ length: 4 }, () => element("td", { role: "cell" })));
}

function fill(/** @type {Element} */ row, /** @type {string[]} */ cells) {
  cells.forEach((content, at) => setText(row.children[at], content));
}

function updateReserva(/** @type {Element} */ row, /** @type {Reserva} */ reserva) {
  const { inicio, fim, posto_id, status, motivo } = reserva;
  const why = motivo ? `${word("status", status)} (${word("motivo", motivo)})` : word("status", status);
  fill(row, [interval(inicio, fim), nameOf(posto_id), plate(reserva), why]);
  const isOver = status !== "ativa";
  action(row.children[4], isOver ? null : {
    label: text("reserva.cancel"),
    name: text("reserva.cancel_name", { placa: plate(reserva), inicio: moment(inicio) }),
    act: () => cancel(reserva),
  });
}

async function cancel(/** @type {Reserva} */ reserva) {
  const { id, inicio, fim, posto_id } = reserva;
  const values = { placa: plate(reserva), nome: nameOf(posto_id), when: interval(inicio, fim) };
  const question = { heading: text("reserva.cancel_heading"), says: text("reserva.cancel_says", values), yes: text("reserva.cancel_yes") };
  if (!(await isWanted(question))) return;
  const answer = await api(`reservas/${id}/cancelar`, { method: "POST" });
  say(answer.mensagem, { lang: "pt-BR" });
  refresh();
}

function updateSession(/** @type {Element} */ row, /** @type {any} */ session) {
  const { inicio, fim, posto_id, energia_fornecida, custo, preco_kwh } = session;
  const amount = fim === null ? pricePerKwh(preco_kwh) : `${kwh(energia_fornecida)} · ${reais(custo)}`;
  const when = fim === null ? text("session.open", { since: moment(inicio) }) : interval(inicio, fim);
  fill(row, [when, nameOf(posto_id), plate(session), amount]);
  const posto = facts.postos.find(({ id }) => id === posto_id) ?? { id: posto_id, nome: nameOf(posto_id) };
  action(row.children[4], fim !== null ? null : {
    label: text("session.end"),
    name: text("session.end_name", { placa: plate(session) }),
    act: () => endSession(posto, session, refresh),
  });
}

/** A button in a cell, which stays for as long as there is one. */
function action(/** @type {Element} */ cell, /** @type {{ label: string, name: string, act: () => Promise<void> } | null} */ wanted) {
  let button = cell.querySelector("button");
  if (wanted === null || !mayWrite()) {
    const row = cell.closest("tr");
    if (row && button && document.activeElement === button) {
      row.tabIndex = -1;
      row.focus();
    }
    button?.remove();
    return;
  }
  if (!button) {
    button = /** @type {HTMLButtonElement} */ (element("button", { type: "button" }));
    cell.append(button);
  }
  setText(button, wanted.label);
  setAttribute(button, "aria-label", wanted.name);
  const pressable = button;
  button.onclick = () => pressed(pressable, wanted.act);
}
