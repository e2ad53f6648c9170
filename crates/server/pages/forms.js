// Parts of forms, and forms in dialogs.
import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { OwnError, dialog, fieldProblem, open, pressed, problem, replaceProblem, say, sayError } from "./dialogs.js";
import { couldBeTwoNumbers, typedNumber } from "./format.js";
import { text } from "./texts.js";

/**
 * A field with its label.
 * @param {string} label
 * @param {Record<string, string | number | boolean | null>} properties Of the input.
 * @param {string} [hint]
 */
export function field(label, properties, hint = "") {
  return element("label", {}, label, hint !== "" && element("span", { class: "hint", text: hint }), element("input", properties));
}

/**
 * Radio buttons.
 * @param {string} name
 * @param {string} legend
 * @param {[string, string, string][]} options Value, text, hint.
 * @param {string} chosen
 */
export function choices(name, legend, options, chosen) {
  return element("fieldset", {}, element("legend", { text: legend }),
    ...options.map(([value, label, hint]) => element("label", { class: "check" },
      element("input", { type: "radio", name, value, checked: value === chosen }),
      element("span", {}, label, hint !== "" && element("span", { class: "hint", text: ` ${hint}` })))));
}

/**
 * Shows a form in a dialog, until `send` has succeeded with what was typed or the dialog is closed.
 * @param {{ heading: string, content: (Node | string | false)[], submit: string, isDangerous?: boolean,
 *   send: (values: FormData) => Promise<string> }} options `send` returns what is said when it has succeeded.
 */
export async function askForm({ heading, content, submit, isDangerous = false, send }) {
  const wrong = element("div", {});
  const yes = /** @type {HTMLButtonElement} */ (element("button", { type: "submit", class: isDangerous ? "danger" : "main", text: submit }));
  const form = /** @type {HTMLFormElement} */ (element("form", { class: "stack" }, ...content, wrong,
    element("div", { class: "row end" },
      element("button", { type: "button", text: text("back"), onclick: () => made.close() }), yes)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pressed(yes, async () => {
      try {
        said = await send(new FormData(form));
        made.close();
        if (!form.isConnected) say(said);
      } catch (error) {
        // Closed meanwhile, it cannot show a refusal.
        if (!made.open) sayError(error);
        showRefusal(wrong, form, error);
      }
    });
  });
  const made = dialog(heading, form);
  let said = "";
  await open(made);
  if (said !== "") say(said);
}

/** A number that was typed; if it is none, the text, so that the API says what is wrong with it. */
export function numberOf(/** @type {FormData} */ values, /** @type {string} */ name) {
  const typed = String(values.get(name));
  if (couldBeTwoNumbers(typed)) throw new OwnError(text("number.two", { typed }), name);
  const number = typedNumber(typed);
  return Number.isFinite(number) ? number : typed;
}

/** Shows in `place` why a form was refused: which fields are wrong, as the form calls them, where all that is wrong is in it. */
export function showRefusal(/** @type {Element} */ place, /** @type {HTMLFormElement} */ form, /** @type {unknown} */ error) {
  const campos = error instanceof ApiError ? error.campos : [];
  const named = campos.map(({ campo, mensagem }) => ({ label: labelOf(form, campo), mensagem }));
  const isAllNamed = named.length > 0 && named.every(({ label }) => label !== "");
  replaceProblem(place, isAllNamed ? fieldProblem(named) : problem(error));
  markWrong(form, error);
}

/** The label of the field with this name, without its hint; `""` if there is none. */
function labelOf(/** @type {HTMLFormElement} */ form, /** @type {string} */ campo) {
  const field = form.elements.namedItem(campo);
  const label = field instanceof Element ? field.closest("label") : null;
  return (label?.firstChild?.textContent || label?.textContent || "").trim();
}

/** Marks the fields that the API names, which inputs are named after; the first gets the focus. */
function markWrong(/** @type {HTMLFormElement} */ form, /** @type {unknown} */ error) {
  const wrong = new Set(error instanceof ApiError ? error.campos.map(({ campo }) => campo) : []);
  if (error instanceof OwnError) wrong.add(error.campo);
  const inputs = /** @type {HTMLInputElement[]} */ (Array.from(form.querySelectorAll("input")));
  for (const input of inputs) {
    if (wrong.has(input.name)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  inputs.find((input) => wrong.has(input.name))?.focus();
}
