// Dialogs, and the line that says what was done.
import { ApiError } from "./api.js";
import { byId, element, setText, showDialog } from "./dom.js";
import { language, text } from "./texts.js";

/**
 * A dialog with this heading and content, which is not yet shown.
 * @param {string} heading
 * @param {...(Node | string | null | false)} content
 */
export function dialog(heading, ...content) {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const close = element("button", { type: "button", class: "close", "aria-label": text("close"), onclick: () => made.close() }, "×");
  const made = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": id },
    element("div", { class: "dialog-head" }, element("h2", { id, tabindex: -1, text: heading }), close),
    element("div", { class: "dialog-body stack" }, ...content)));
  return made;
}

/** Shows a dialog, and takes it off the page when it is closed. Resolves with its value. */
export async function open(/** @type {HTMLDialogElement} */ made) {
  document.body.append(made);
  const closed = showDialog(made);
  made.querySelector("h2")?.focus();
  const value = await closed;
  made.remove();
  return value;
}

/**
 * Asks before something. Resolves with whether it is wanted.
 * @param {{ heading: string, says: string, yes: string, isDangerous?: boolean }} question
 */
export async function isWanted({ heading, says, yes, isDangerous = true }) {
  const made = dialog(heading,
    element("p", { text: says }),
    element("div", { class: "row end" },
      element("button", { type: "button", text: text("back"), onclick: () => made.close("") }),
      element("button", { type: "button", class: isDangerous ? "danger" : "main", text: yes, onclick: () => made.close("yes") })));
  return (await open(made)) === "yes";
}

/** What is wrong, in the words and the language of the page; `campo` is the field that is. */
export class OwnError extends Error {
  constructor(/** @type {string} */ message, campo = "") {
    super(message);
    this.campo = campo;
  }
}

/** What an error says, as the API says it. */
export function sentence(/** @type {unknown} */ error) {
  if (error instanceof OwnError) return error.message;
  if (!(error instanceof ApiError)) return text("error.page");
  if (error.status === 0) return text("error.no_answer");
  // That of the API tells programs which header to send.
  if (error.status === 401) return text("error.token");
  return error.mensagem || text("error.status", { status: error.status });
}

/** An error as a part of the page. Where the API names wrong fields, its sentence says what is wrong. */
export function problem(/** @type {unknown} */ error) {
  return element("div", { class: "notice bad", role: "alert", lang: languageOf(error) }, element("p", { text: sentence(error) }));
}

/**
 * What is wrong with the fields of a form.
 * @param {{ label: string, mensagem: string }[]} fields
 */
export function fieldProblem(fields) {
  const lines = fields.map(({ label, mensagem }) => element("li", {}, `${label}: `, element("span", { lang: "pt-BR", text: mensagem })));
  return element("div", { class: "notice bad", role: "alert" },
    element("p", { text: text("error.fields") }), element("ul", { class: "lines" }, ...lines));
}

/** Shows an error in `place`, in place of one that is shown there; `null` takes it away. */
export function showProblem(/** @type {Element} */ place, /** @type {unknown} */ error) {
  replaceProblem(place, error === null ? null : problem(error));
}

/** The words of each that is shown: a browser may have translated it. @type {WeakMap<Element, string>} */
const problems = new WeakMap();

export function replaceProblem(/** @type {Element} */ place, /** @type {Element | null} */ made) {
  // A reader hears an alert again that is made again.
  const words = made?.textContent ?? "";
  const shown = place.firstElementChild;
  if (made !== null && shown && problems.get(shown) === words) return;
  if (made !== null) problems.set(made, words);
  place.replaceChildren(...(made === null ? [] : [made]));
}

let hiding = 0;

/**
 * Says what was done, without taking the focus. An error stays until something else is said. Behind an
 * open dialog it is not heard, so say it after that is closed.
 */
export function say(/** @type {string} */ words, { isBad = false, lang = language } = {}) {
  const place = byId("said");
  clearTimeout(hiding);
  place.lang = lang;
  setText(place, words);
  place.classList.toggle("bad", isBad);
  if (!isBad) hiding = setTimeout(() => setText(place, ""), 12_000);
}

/** What the API says is in Portuguese. */
const languageOf = (/** @type {unknown} */ error) => error instanceof ApiError && error.mensagem === sentence(error) ? "pt-BR" : language;

export function sayError(/** @type {unknown} */ error) {
  say(sentence(error), { isBad: true, lang: languageOf(error) });
}

/**
 * Does something for a button, which meanwhile cannot be pressed again. An error is said.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} act
 */
export async function pressed(button, act) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await act();
  } catch (error) {
    sayError(error);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
