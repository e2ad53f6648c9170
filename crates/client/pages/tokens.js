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

/** Asks for a token, which the one before may not have been. Resolves with whether one was given. */
export async function askToken(isRefused = false) {
  const input = element("input", {
    id: "token-asked", type: "password", autocomplete: "off", required: true,
    "aria-describedby": isRefused && "token-refused", "aria-invalid": isRefused && "true",
  });
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "token-heading" },
    element("form", { method: "dialog", class: "stack" },
      element("h2", { id: "token-heading", text: text("token.heading") }),
      element("p", { text: text("token.why") }),
      isRefused && element("p", { id: "token-refused", class: "error", text: text("token.refused") }),
      element("label", { text: text("token.label") }, input),
      element("div", { class: "row" },
        element("button", { class: "main", value: "given", text: text("token.use") }),
        element("button", { value: "", formnovalidate: true, text: text("dialog.close") })))));
  document.body.append(dialog);
  const answer = await showDialog(dialog);
  dialog.remove();
  if (answer !== "given") return false;
  return keepToken(/** @type {HTMLInputElement} */ (input).value) || askToken(true);
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
      if (!(await askToken(true))) throw error;
    }
  }
}
