// Requests for a reserva that this device has sent and whose answer it has not seen: they may have been
// carried out all the same. Body and key are kept, because the same request again is answered with what
// became of the first.
import { PageError, consult, isSettled, reserve, MAX_WAIT } from "./actions.js";
import { ApiError, now } from "./api.js";
import { device } from "./device.js";
import { keepAgreed, keptReservas } from "./kept.js";
import { phaseOf } from "./status.js";

/**
 * @typedef {{ server_id: string, posto_id: number, placa: string, inicio?: string, fim?: string }} Body
 * @typedef {{ key: string, body: Body, nome: string, at: number, isLost: boolean, requestId?: string }} Request
 *   `nome` of its posto; `at` when it was sent; `isLost` when nobody waits for its answer any more;
 *   `requestId` where a 504 has said it.
 */

const KEY = "postos.sem_resposta";
const MAX_KEPT = 10;
/** How long a reserva lasts for which no `fim` was asked, unless its operator has set another duration. */
const DURATION = 86_400_000;
/** Two requests whose intervals differ by less ask for the same. */
const SAME_WITHIN = 15 * 60_000;
/** What is past by more is forgotten. */
const CLOCK_MARGIN = 86_400_000;

const isRequest = (/** @type {any} */ one) => typeof one?.key === "string" && typeof one.nome === "string" && typeof one.at === "number"
  && typeof one.body?.server_id === "string" && typeof one.body.posto_id === "number" && typeof one.body.placa === "string";

/** The interval that was asked for. @param {Body} body @param {number} at When. */
function intervalOf({ inicio, fim }, at) {
  const begin = Date.parse(inicio ?? "") || at;
  return { begin, end: Date.parse(fim ?? "") || begin + DURATION };
}

/** Those whose reserva would not have ended yet. @returns {Request[]} */
function unanswered() {
  return stored().filter(({ body, at }) => now() < intervalOf(body, at).end);
}

/** @returns {Request[]} */
function stored() {
  const list = device.load(KEY);
  if (!Array.isArray(list)) return [];
  const requests = list.filter(isRequest);
  // Until the first answer the clock of the device counts, which may be wrong.
  const kept = requests.filter(({ body, at }) => now() < intervalOf(body, at).end + CLOCK_MARGIN);
  if (kept.length < list.length) save(kept);
  return kept;
}

/** @param {Request[]} requests */
function save(requests) {
  if (requests.length > 0) device.save(KEY, requests);
  else device.forget(KEY);
}

const others = (/** @type {string} */ key) => stored().filter((one) => one.key !== key);
const isKept = (/** @type {string} */ key) => stored().some((one) => one.key === key);

const keep = (/** @type {Request} */ request) => save([...others(request.key), request].slice(-MAX_KEPT));

export const forgetRequest = (/** @type {string} */ key) => save(others(key));

/** Those for whose answer no page waits any more; one that is gone has not noted that it was lost. */
export const lostRequests = () => unanswered().filter(({ at, isLost }) => isLost || now() - at > MAX_WAIT);

/**
 * Of the same carro for the same posto, without the one with this key. `isSame`: it asked for all of what
 * is asked for now, so that a servidor which refuses that to this carro cannot reserve it either.
 * @param {Body} body @param {string} key
 */
export function earlierRequests(body, key) {
  const isOfSame = (/** @type {Body} */ one) => one.server_id === body.server_id && one.posto_id === body.posto_id && plateOf(one) === plateOf(body);
  const wanted = intervalOf(body, now());
  return unanswered().filter((one) => one.key !== key && isOfSame(one.body)).map((request) => {
    const { begin, end } = intervalOf(request.body, request.at);
    return { request, isSame: begin <= wanted.begin + SAME_WITHIN && end >= wanted.end - SAME_WITHIN };
  });
}

/**
 * The reserva of this device that holds the posto for the same carro at a time that is asked for.
 * @param {Body} body
 */
export function ownReserva(body) {
  const { begin, end } = intervalOf(body, now());
  return keptReservas().find((one) => one.server_id === body.server_id && one.posto_id === body.posto_id
    && plateOf(one) === plateOf(body) && ["future", "current"].includes(phaseOf(one, now()))
    && Date.parse(one.inicio) < end && Date.parse(one.fim) > begin);
}

const plateOf = (/** @type {{ placa: string }} */ { placa }) => placa.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");

/**
 * Reserves, and keeps what was asked for until it is known what became of it.
 * @param {{ key: string, body: Body, nome: string }} request `nome` of the posto.
 */
export async function send({ key, body, nome }) {
  const before = stored().find((one) => one.key === key);
  const request = before ?? { key, body, nome, at: now(), isLost: false };
  keep(request);
  return take(request, reserve(body, key), before !== undefined);
}

/** Asks what became of a request; by sending it again where nothing else names it. */
export function ask(/** @type {Request} */ request) {
  const { body: { server_id }, requestId } = request;
  return requestId === undefined ? send(request) : take(request, lookUp(server_id, requestId), true);
}

/** @param {string} serverId @param {string} requestId */
async function lookUp(serverId, requestId) {
  try {
    return { ...await consult(serverId, requestId), request_id: requestId };
  } catch (error) {
    if (error instanceof ApiError && error.codigo === "reserva_inexistente") throw new PageError("error.not_done");
    throw error;
  }
}

/**
 * Takes the answer: a reserva is kept, and a request whose outcome is unknown stays.
 * @param {Request} request @param {Promise<import("./actions.js").Reply>} answer @param {boolean} isRepeat
 */
async function take(request, answer, isRepeat) {
  const { key, body, nome } = request;
  try {
    const { request_id, reserva } = await answer;
    keepAgreed(body.server_id, request_id, reserva, nome);
    forgetRequest(key);
    return { server_id: body.server_id, request_id };
  } catch (error) {
    if (isSettled(error, isRepeat)) forgetRequest(key);
    // The 504 to a question names the question. What the driver has forgotten meanwhile stays forgotten.
    else if (isKept(key)) keep({ ...request, isLost: true, requestId: request.requestId ?? requestIdOf(error) });
    throw error;
  }
}

/** The `request_id` of a reserva of which it is not known whether it was made. */
export const requestIdOf = (/** @type {unknown} */ error) => (error instanceof ApiError && error.status === 504 ? error.requestId : undefined);
