// Calls of the public API. Every page uses nothing else.

/** An answer that is a refusal or a fault, as the API says it. */
export class ApiError extends Error {
  /**
   * @param {number} status The HTTP status; 0 if no answer came.
   * @param {{ codigo?: string, mensagem?: string, campos?: { campo: string, mensagem: string }[], request_id?: string }} body
   * @param {number} [retryAfter] Seconds.
   */
  constructor(status, body, retryAfter) {
    super(body.mensagem ?? "");
    this.status = status;
    this.codigo = body.codigo ?? "";
    this.mensagem = body.mensagem ?? "";
    this.campos = body.campos ?? [];
    this.requestId = body.request_id;
    this.retryAfter = retryAfter;
  }
}

/** Where a token is kept, for the pages of this program alone. */
class TokenStore {
  /** By the folder of the page: a reverse proxy may serve several programs under one name. */
  get key() {
    return `postos.token ${new URL(".", location.href).pathname}`;
  }

  /** Where storage is forbidden, a token is kept for as long as the page is open. */
  kept = /** @type {string | null} */ (null);

  /** @returns {string | null} */
  get() {
    return read(session, this.key) ?? read(local, this.key) ?? this.kept;
  }

  /**
   * @param {string} token
   * @param {boolean} remember Also after the browser is closed.
   */
  set(token, remember) {
    this.clear();
    this.kept = token;
    write(remember ? local : session, this.key, token);
  }

  clear() {
    this.kept = null;
    remove(session, this.key);
    remove(local, this.key);
  }
}

// Browsers throw where storage is forbidden, already when it is named; a page then forgets, and works
// all the same.
const session = () => sessionStorage;
const local = () => localStorage;
function read(/** @type {() => Storage} */ storage, /** @type {string} */ key) {
  try { return storage().getItem(key); } catch { return null; }
}
function write(/** @type {() => Storage} */ storage, /** @type {string} */ key, /** @type {string} */ value) {
  try { storage().setItem(key, value); } catch { /* it is not kept */ }
}
function remove(/** @type {() => Storage} */ storage, /** @type {string} */ key) {
  try { storage().removeItem(key); } catch { /* nothing is kept */ }
}

export const token = new TokenStore();

/** Whether a header can carry this text; no call would get through with one that it cannot. */
export const isToken = (/** @type {string} */ value) => /^[\x21-\x7e]+$/.test(value);

/** @returns {Record<string, string>} */
export function authorization() {
  const kept = token.get();
  return kept && isToken(kept) ? { authorization: `Bearer ${kept}` } : {};
}

/** Below this the clock of the device counts as right: `Date` has whole seconds, and answers take time. */
const CLOCK_TOLERANCE = 5000;
const HALF_SECOND = 500;
let clockOffset = 0;

/**
 * Compares the clock of the device with that of the program, which judges every `inicio` and `fim`.
 * @param {Response} response @param {number} begun When it was asked for, by the clock of the device.
 */
export function noteTime(response, begun) {
  // An answer that was read late, because the device slept, tells the time of before.
  if (Date.now() - begun > CLOCK_TOLERANCE) return;
  const offset = Date.parse(response.headers.get("date") ?? "") + HALF_SECOND - Date.now();
  if (Number.isFinite(offset)) clockOffset = Math.abs(offset) < CLOCK_TOLERANCE ? 0 : offset;
}

/** The time by the clock of the program, in milliseconds. */
export const now = () => Date.now() + clockOffset;

export const DEFAULT_TIMEOUT = 15_000;

/**
 * Calls the API and returns the answer, whatever its status.
 * @param {string} path Relative to the page, which is one level below the root.
 * @param {{ method?: string, body?: unknown, file?: Blob, headers?: Record<string, string>, signal?: AbortSignal, timeout?: number }} [options]
 *   `timeout` in milliseconds.
 * @throws {ApiError} With status 0 if no answer came.
 */
export async function answer(path, options) {
  return (await send(path, options)).response;
}

/** As {@link answer}; `finish` is called when the body was read, for which the time limit holds too. */
async function send(path, { method = "GET", body, file, headers = {}, signal, timeout = DEFAULT_TIMEOUT } = {}) {
  // Not by AbortSignal.any and AbortSignal.timeout, which phones of 2022 do not have.
  const aborting = new AbortController();
  const abort = () => aborting.abort();
  const limit = setTimeout(abort, timeout);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const begun = Date.now();
  const finish = () => clearTimeout(limit);
  const sent = { ...authorization(), ...headers };
  if (body !== undefined) sent["content-type"] = "application/json";
  try {
    const response = await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? file : JSON.stringify(body),
      signal: aborting.signal,
      cache: "no-cache",
      credentials: "omit",
    });
    noteTime(response, begun);
    return { response, finish };
  } catch (error) {
    finish();
    if (signal?.aborted) throw error;
    throw new ApiError(0, {});
  }
}

/**
 * Calls the API and returns the JSON of a success (`null` if it has no body).
 * @throws {ApiError}
 */
export async function call(/** @type {string} */ path, /** @type {Parameters<typeof answer>[1]} */ options) {
  const { response, finish } = await send(path, options);
  const text = await response.text().catch(() => { throw new ApiError(0, {}); }).finally(finish);
  let json = null;
  try { json = text === "" ? null : JSON.parse(text); } catch { /* a proxy's page */ }
  if (response.ok) return json;
  throw new ApiError(response.status, json ?? {}, Number(response.headers.get("retry-after")) || undefined);
}

/** A query with these parameters, without those that are empty. */
export function query(/** @type {Record<string, string | number | boolean | null | undefined>} */ parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? "" : `?${search}`;
}

/** A random text that makes repeating a request safe; also where no secure context gives `randomUUID`. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
