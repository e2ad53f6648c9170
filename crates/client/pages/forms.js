// Sending a form, and what is wrong with it: all of it in #errors, which gets the focus, and each field's own beside it.
import { PageError } from "./actions.js";
import { ApiError } from "./api.js";
import { byId, element } from "./dom.js";
import { couldBeTwoNumbers } from "./format.js";
import { messageParagraph } from "./messages.js";
import { text } from "./texts.js";

/**
 * Shows why what this form asked for was not done.
 * @param {HTMLFormElement} form
 * @param {unknown} error
 * @param {...(Node | null)} more What helps.
 */
export function showErrors(form, error, ...more) {
  clearErrors(form);
  const box = byId("errors");
  const wrong = wrongFields(error);
  // The sentence of the API names the fields as programs do.
  const isInForm = wrong.length > 0 && wrong.every(({ campo }) => fieldOf(form, campo));
  box.append(isInForm ? element("p", { text: text("error.fields") }) : messageParagraph(error, {}, true));
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

/** The field that a person fills in, if the form has one with this name. @param {HTMLFormElement} form @param {string} campo */
function fieldOf(form, campo) {
  const field = /** @type {HTMLInputElement | null} */ (form.elements.namedItem(campo));
  return field && field.type !== "hidden" ? field : null;
}

/** @param {HTMLFormElement} form @param {{ campo: string, mensagem: string, lang?: string }} wrong */
function line(form, { campo, mensagem, lang }) {
  const field = fieldOf(form, campo);
  const said = element("span", { text: mensagem, lang });
  if (!field) return element("li", {}, `${campo}: `, said);
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

/** How long, in milliseconds, another page may take to come before the form can be sent again. */
const LEAVING_TIMEOUT = 20_000;

/**
 * Runs what a form asks for, once at a time: a second press meanwhile does nothing.
 * @param {HTMLFormElement} form
 * @param {() => Promise<boolean | void>} run Shows its failures itself. `true`: it leads to another page, and
 *   until that is there, nothing more is asked for, unless it does not come or the form is edited.
 * @param {() => Promise<boolean>} [confirm] Whether the driver does want it.
 */
export function onSubmit(form, run, confirm = async () => true) {
  // The API says what is wrong; without a script the browser does.
  form.noValidate = true;
  let isRunning = false;
  let isLeaving = false;
  let leavingTimer = 0;
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector('[type="submit"]'));
  const label = button?.textContent ?? "";
  const end = () => {
    clearTimeout(leavingTimer);
    isRunning = isLeaving = false;
    button?.removeAttribute("aria-disabled");
    if (button) button.textContent = label;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isRunning || !(await confirm())) return;
    isRunning = true;
    // `disabled` would take the focus away.
    button?.setAttribute("aria-disabled", "true");
    if (button) button.textContent = text("waiting");
    try {
      isLeaving = (await run()) === true;
    } finally {
      if (!isLeaving) end();
    }
    // The browser does not say that the driver has stopped it.
    if (isLeaving) leavingTimer = setTimeout(end, LEAVING_TIMEOUT);
  });
  form.addEventListener("input", () => isLeaving && end());
  // The back button may show the page as it was left.
  addEventListener("pageshow", ({ persisted }) => persisted && isLeaving && end());
}
