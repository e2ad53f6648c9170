// Who uses the page: asks for a token when the API wants one, and knows what it may do.
import { ApiError, answer, call, token } from "./api.js";
import { byId, setText, showDialog } from "./dom.js";
import { language, text } from "./texts.js";

/** What a caller may do: everything, or only look; `null` as long as that is not known. */
let role = /** @type {"operador" | "leitura" | null} */ (null);
/** Whether the operator has closed the question for a token; it is not asked again by itself. */
let declined = false;
/** @type {Promise<boolean> | null} */
let asking = null;
const listeners = /** @type {(() => void)[]} */ ([]);

export const mayWrite = () => role === "operador";
export const isKnown = () => role !== null;

/** Calls `listener` whenever it changes who uses the page. */
export function onChange(/** @type {() => void} */ listener) {
  listeners.push(listener);
}

function become(/** @type {typeof role} */ now) {
  if (role === now) return;
  role = now;
  for (const listener of listeners) listener();
}

/** Calls the API; an answer that wants a token asks for one and calls again. */
export function api(/** @type {string} */ path, /** @type {Parameters<typeof call>[1]} */ options) {
  return withToken(() => call(path, options));
}

/** As {@link api}, for an answer that is no JSON, or whose refusal has more than others. */
export function apiAnswer(/** @type {string} */ path, /** @type {Parameters<typeof answer>[1]} */ options) {
  return withToken(async () => {
    const response = await answer(path, options);
    if (response.status === 401) throw new ApiError(401, await response.json().catch(() => ({})));
    return response;
  });
}

/** @template T @param {() => Promise<T>} request @returns {Promise<T>} */
async function withToken(request) {
  for (;;) {
    const used = token.get();
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || declined) throw error;
      // Another call has asked for a token meanwhile.
      if (token.get() !== used) continue;
      if (!(await signIn(used === null ? "" : text("sign_in.expired")))) throw error;
    }
  }
}

/**
 * Finds out what the caller may do. The list of tokens is only for operators, so its answer says so.
 * @throws {ApiError}
 */
export async function learnRole() {
  try {
    await api("tokens");
    become("operador");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    // Where no caller may pass, this says so too.
    await api(`reservas?limite=1`);
    become("leitura");
  }
}

/** Asks for a token, once for all who wait for one. Resolves with whether there is a new one. */
export function signIn(mensagem = "") {
  asking ??= ask(mensagem).finally(() => { asking = null; });
  return asking;
}

async function ask(/** @type {string} */ mensagem) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("sign-in"));
  const form = /** @type {HTMLFormElement} */ (byId("sign-in-form"));
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  const remember = /** @type {HTMLInputElement} */ (byId("remember"));
  become(null);
  showProblem(field, mensagem);
  const given = new Promise((/** @type {(value: boolean) => void} */ resolve) => {
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      token.set(field.value.trim(), remember.checked);
      const problem = await tried();
      showProblem(field, problem.says, problem.lang);
      if (problem.says === "") dialog.close("given");
      else field.focus();
    };
    form.addEventListener("submit", submit);
    showDialog(dialog).then((value) => {
      form.removeEventListener("submit", submit);
      resolve(value === "given");
    });
  });
  const isGiven = await given;
  field.value = "";
  declined = !isGiven;
  if (!isGiven) token.clear();
  for (const listener of listeners) listener();
  return isGiven;
}

/**
 * What is wrong with the token that was given, and in which language that is said; `says` is `""` if it is
 * accepted, or cannot be tried.
 * @returns {Promise<{ says: string, lang?: string }>}
 */
async function tried() {
  // A header takes no other characters.
  if (!/^[\x21-\x7e]+$/.test(token.get() ?? "")) return { says: text("sign_in.characters") };
  try {
    await call("reservas?limite=1");
    return { says: "" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 0) return { says: text("error.no_answer") };
    if (error.status === 401) return { says: text("sign_in.refused") };
    return { says: [403, 429].includes(error.status) ? error.mensagem : "", lang: "pt-BR" };
  }
}

function showProblem(/** @type {HTMLInputElement} */ field, /** @type {string} */ mensagem, lang = language) {
  byId("sign-in-problem").lang = lang;
  setText(byId("sign-in-problem"), mensagem);
  if (mensagem === "") field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
}

/** Forgets the token on this device, and asks for one. */
export function signOut() {
  token.clear();
  declined = false;
  return signIn();
}

/** Whether a token is kept in this tab or on this device. */
export const hasToken = () => token.get() !== null;
