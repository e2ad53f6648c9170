// What a driver does with a reserva, by the public API, until it is known whether it was done.
import { ApiError, DEFAULT_TIMEOUT, call, newKey, query } from "./api.js";

/** The gateway answers 504 after 10 s by itself. */
const TIMEOUT = 20_000;
const SETTLE_TRIES = 5;
const SETTLE_PAUSE = 2000;
/** No page waits longer for what became of a request. */
export const MAX_WAIT = TIMEOUT + SETTLE_TRIES * (DEFAULT_TIMEOUT + SETTLE_PAUSE);
const MAX_AGE = 60_000;

/**
 * @typedef {import("./status.js").Reserva} Reserva
 * @typedef {{ request_id: string, mensagem: string, reserva: Reserva }} Reply
 */

/** A failure that the page says in its own words. */
export class PageError extends Error {
  /** @param {string} key Of its text. @param {string} [campo] The field that is wrong. */
  constructor(key, campo) {
    super(key);
    this.key = key;
    this.campo = campo;
  }
}

/**
 * Whether an error says for good what became of a request. Who refuses a repeat without asking the
 * servidor, such as a gateway that is too busy, knows nothing of the first.
 * @param {unknown} error @param {boolean} isRepeat
 */
export function isSettled(error, isRepeat) {
  if (error instanceof PageError) return true;
  // Without a codigo it is of a proxy, which may have passed the request on.
  if (!(error instanceof ApiError) || error.codigo === "") return false;
  const { status } = error;
  return [404, 409, 422].includes(status) || (!isRepeat && status !== 500 && status !== 504);
}

export const reservaPath = (/** @type {string} */ requestId, /** @type {string} */ serverId, part = "") =>
  `reservas/${encodeURIComponent(requestId)}${part}${query({ server_id: serverId })}`;

/**
 * One press on a button and its repeats: as long as the driver asks for the same and its outcome is
 * unknown, body and key stay the same, and so it is done once.
 */
export class Attempt {
  constructor() {
    this.key = newKey();
    this.asked = "";
    /** @type {unknown} */
    this.body = null;
    this.made = 0;
    this.isUsed = false;
    /** Whether the same was asked for before, with an outcome that is unknown. */
    this.isRepeat = false;
  }

  /**
   * @template T
   * @param {unknown} values What the driver has typed.
   * @param {() => T} makeBody
   * @returns {{ key: string, body: T }}
   */
  next(values, makeBody, at = Date.now()) {
    const asked = JSON.stringify(values);
    // An old body has an old `fim`. If it was done all the same, the servidor refuses the second.
    this.isRepeat = asked === this.asked && at - this.made <= MAX_AGE;
    if (!this.isRepeat) {
      if (this.isUsed) this.key = newKey();
      this.asked = asked;
      this.body = makeBody();
      this.made = at;
    }
    this.isUsed = true;
    return { key: this.key, body: /** @type {T} */ (this.body) };
  }

  /** Notes that it was done: what is asked for next is another thing. */
  done() {
    this.asked = "";
  }

  /**
   * Notes how it failed: a refusal is the answer to this key for good, and the next press asks anew, as
   * after what is known not to have been done.
   */
  failed(/** @type {unknown} */ error) {
    if (isSettled(error, this.isRepeat)) this.done();
  }
}

/** @returns {Promise<Reply>} */
export function reserve(/** @type {{ server_id: string }} */ body, /** @type {string} */ key) {
  const asking = call("reservar", { method: "POST", body, headers: { "idempotency-key": key }, timeout: TIMEOUT });
  return settled(asking, body.server_id);
}

/** @returns {Promise<Reply>} */
export function change(/** @type {string} */ serverId, /** @type {string} */ requestId, /** @type {object} */ body, /** @type {string} */ key) {
  const headers = { "idempotency-key": key };
  return settled(call(reservaPath(requestId, serverId), { method: "PATCH", body, headers, timeout: TIMEOUT }), serverId);
}

/** To cancel twice is the same as once. @returns {Promise<Reply>} */
export async function cancel(/** @type {string} */ serverId, /** @type {string} */ requestId) {
  const ask = () => call(reservaPath(requestId, serverId, "/cancelar"), { method: "POST", timeout: TIMEOUT });
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 504) throw error;
    return ask();
  }
}

/** The present state. @returns {Promise<Reply>} */
export const consult = (/** @type {string} */ serverId, /** @type {string} */ requestId) => call(reservaPath(requestId, serverId));

/**
 * Waits for an answer. After a 504 the servidor is asked what became of the request.
 * @param {Promise<Reply>} asking @param {string} serverId
 */
async function settled(asking, serverId) {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 504 || !error.requestId) throw error;
    return settle(error, serverId, error.requestId);
  }
}

/** @param {ApiError} timeout @param {string} serverId @param {string} requestId */
async function settle(timeout, serverId, requestId) {
  for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
    try {
      const reply = await consult(serverId, requestId);
      return { ...reply, request_id: requestId };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The request expired on its way, and so it will not be done later either.
      if (error.codigo === "reserva_inexistente") throw new PageError("error.not_done");
      if (error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    await new Promise((resume) => setTimeout(resume, SETTLE_PAUSE));
  }
  throw timeout;
}
