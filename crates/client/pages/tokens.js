// The token of an app, where the gateway asks for one. It is asked for once and kept on this device, and
// it travels in a header alone.
import { PageError } from "./actions.js";
import { ApiError, isToken, token } from "./api.js";
import { element, showDialog } from "./dom.js";
import { text } from "./texts.js";

const asksForTokens = () => document.body.dataset.tokens !== undefined;
export const lacksToken = () => asksForTokens() && !token.get();
export const isTokenRefused = (/** @type {unknown} */ error) => error instanceof ApiError && error.status === 401;

/** Keeps what was typed; a token that was refused is forgotten with it. Whether it can be one. */
export function keepToken(/** @type {string} */ typed) {
  const value = typed.trim();
  if (isToken(value)) token.set(value, true);
  return isToken(value);
}

export const forgetToken = () => token.clear();

/**
 * Asks for a token. Resolves with whether one was given.
 * @param {string} [refusal] Why the one before was of no use.
 */
export async function askToken(refusal) {
  const input = element("input", {
    id: "token-asked", type: "password", autocomplete: "off", required: true,
    "aria-describedby": refusal ? "token-refused" : null, "aria-invalid": refusal ? "true" : null,
  });
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "token-heading" },
    element("form", { method: "dialog", class: "stack" },
      element("h2", { id: "token-heading", text: text("token.heading") }),
      element("p", { text: text("token.why") }),
      refusal ? element("p", { id: "token-refused", class: "error", text: refusal, lang: "pt-BR" }) : null,
      element("label", { text: text("token.label") }, input),
      element("div", { class: "row" },
        element("button", { class: "main", value: "given", text: text("token.use") }),
        element("button", { value: "", formnovalidate: true, text: text("dialog.close") })))));
  document.body.append(dialog);
  const answer = await showDialog(dialog);
  dialog.remove();
  if (answer !== "given") return false;
  return keepToken(/** @type {HTMLInputElement} */ (input).value) || askToken(text("token.refused"));
}

/**
 * Runs something that needs a token, and asks for one as long as it is refused.
 * @template T
 * @param {() => Promise<T>} run
 */
export async function withToken(run) {
  if (lacksToken() && !(await askToken())) throw new PageError("token.needed");
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isTokenRefused(error) || !asksForTokens()) throw error;
      forgetToken();
      if (!(await askToken(/** @type {ApiError} */ (error).mensagem))) throw error;
    }
  }
}
