// Sending a form, and what is wrong with it: all of it in #errors, which gets the focus, and each field's own beside it.
import { PageError } from "./actions.js";
import { ApiError } from "./api.js";
import { byId, element } from "./dom.js";
import { couldBeTwoNumbers } from "./format.js";
import { text } from "./texts.js";

/**
 * What somebody reads about a failure: the sentence of the API, if it gave one.
 * @param {unknown} error @param {boolean} isOfCommand What failed would have changed something.
 */
function messageOf(error, isOfCommand) {
  if (error instanceof PageError) return { text: text(error.key), isPortuguese: false };
  if (!(error instanceof ApiError)) return { text: text("error.page"), isPortuguese: false };
  // The sentence of the API tells programs what to call.
  if (isOfCommand && error.status === 504 && error.requestId) return { text: text("error.undecided"), isPortuguese: false };
  if (error.mensagem) return { text: error.mensagem, isPortuguese: true };
  return { text: text(error.status === 0 ? "error.network" : "error.unknown"), isPortuguese: false };
}

/** A paragraph with {@link messageOf}. @param {unknown} error */
export function messageParagraph(error, properties = {}, isOfCommand = false) {
  const message = messageOf(error, isOfCommand);
  // What the API says is Portuguese, whatever the language of the page.
  return element("p", { ...properties, text: message.text, lang: message.isPortuguese ? "pt-BR" : null });
}

/**
 * Shows why what this form asked for was not done.
 * @param {HTMLFormElement} form
 * @param {unknown} error
 * @param {...(Node | null)} more What helps.
 */
export function showErrors(form, error, ...more) {
  clearErrors(form);
  const box = byId("errors");
  box.append(messageParagraph(error, {}, true));
  const wrong = wrongFields(error);
  if (wrong.length > 0) box.append(element("ul", {}, ...wrong.map((one) => line(form, one))));
  box.append(...more.filter((node) => node !== null));
  box.hidden = false;
  box.focus();
}

/** @param {unknown} error @returns {{ campo: string, mensagem: string, lang?: string }[]} */
function wrongFields(error) {
  if (error instanceof ApiError) return error.campos.map((wrong) => ({ ...wrong, lang: "pt-BR" }));
  return error instanceof PageError && error.campo ? [{ campo: error.campo, mensagem: text(error.key) }] : [];
}

/** @param {HTMLFormElement} form @param {{ campo: string, mensagem: string, lang?: string }} wrong */
function line(form, { campo, mensagem, lang }) {
  const field = form.elements.namedItem(campo);
  const said = element("span", { text: mensagem, lang });
  if (!(field instanceof HTMLElement) || field.getAttribute("type") === "hidden") {
    return element("li", {}, `${campo}: `, said);
  }
  const label = form.querySelector(`label[for="${field.id}"]`)?.textContent?.trim() || campo;
  field.setAttribute("aria-invalid", "true");
  const beside = document.getElementById(`${field.id}-error`);
  if (beside) {
    beside.textContent = mensagem;
    beside.hidden = false;
  }
  const details = field.closest("details");
  if (details) details.open = true;
  const lead = (/** @type {Event} */ event) => {
    event.preventDefault();
    field.focus();
  };
  return element("li", {}, element("a", { href: `#${field.id}`, text: label, onclick: lead }), ": ", said);
}

/**
 * A field that is half typed, such as a date without its time: its value is empty, which means another
 * thing.
 * @param {HTMLFormElement} form
 */
export function incompleteField(form) {
  const fields = /** @type {HTMLInputElement[]} */ ([...form.elements]);
  const incomplete = fields.find(({ validity }) => validity?.badInput);
  return incomplete ? new PageError("error.incomplete", incomplete.name) : null;
}

/** A field whose number can be read as two. */
export function ambiguousField(/** @type {HTMLFormElement} */ form, /** @type {readonly string[]} */ names) {
  const fields = /** @type {HTMLInputElement[]} */ ([...form.elements]);
  const ambiguous = fields.find(({ name, value }) => names.includes(name) && couldBeTwoNumbers(value));
  return ambiguous ? new PageError("error.two_numbers", ambiguous.name) : null;
}

export function clearErrors(/** @type {HTMLFormElement} */ form) {
  const box = byId("errors");
  box.replaceChildren();
  box.hidden = true;
  for (const error of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll(".error"))) {
    error.textContent = "";
    error.hidden = true;
  }
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/**
 * Runs what a form asks for, once at a time: a second press meanwhile does nothing.
 * @param {HTMLFormElement} form
 * @param {() => Promise<void>} run Shows its failures itself.
 * @param {() => Promise<boolean>} [confirm] Whether the driver does want it.
 */
export function onSubmit(form, run, confirm = async () => true) {
  // The API says what is wrong; without a script the browser does.
  form.noValidate = true;
  let isRunning = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isRunning || !(await confirm())) return;
    isRunning = true;
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector('[type="submit"]'));
    const label = button?.textContent ?? "";
    // `disabled` would take the focus away.
    button?.setAttribute("aria-disabled", "true");
    if (button) button.textContent = text("waiting");
    try {
      await run();
    } finally {
      isRunning = false;
      button?.removeAttribute("aria-disabled");
      if (button) button.textContent = label;
    }
  });
}
