// A dialog for what affects reservas: the effect of each choice is shown, as the API says it to
// `simular`, and nothing is done whose effect is not shown.
import { element } from "./dom.js";
import { OwnError, dialog, open, say, sayError, showProblem } from "./dialogs.js";
import { EffectQuestion } from "./effect_question.js";
import { effects, outcome, summary } from "./effects.js";
import { text } from "./texts.js";

/** @typedef {import("./effects.js").Affected} Affected */

/**
 * @param {{ heading: string, before: (Node | string)[], after: (Node | string)[], isDangerous: boolean,
 *   label: (cancelled: number) => string, simulate: (values: FormData, signal: AbortSignal) => Promise<Affected[]>,
 *   act: (values: FormData) => Promise<Affected[]>, isDone: string, done: () => void,
 *   isPossible?: (reservas: Affected[]) => boolean }} options
 *   `before` and `after` the effect; `label` of the button that does it; `isDone` says that it is done.
 *   What is not possible cannot be confirmed, and the effect says why.
 */
export async function openEffectDialog({ heading, before, after, isDangerous, label, simulate, act, isDone, done, isPossible = () => true }) {
  const effect = element("div", { class: "effect", "aria-live": "polite" }, text("effect.looking"));
  const wrong = element("div", {});
  const confirm = /** @type {HTMLButtonElement} */ (element("button", { type: "submit", text: label(0) }));
  const form = /** @type {HTMLFormElement} */ (element("form", { class: "stack" }, ...before, effect, ...after, wrong,
    element("div", { class: "row end" },
      element("button", { type: "button", text: text("back"), onclick: () => made.close() }), confirm)));
  const made = dialog(heading, form);
  const show = shower({ effect, wrong, confirm, isDangerous, label });
  const question = new EffectQuestion({
    choice: () => new FormData(form), simulate, act, isPossible, render: () => show(question),
  });
  form.addEventListener("change", () => question.look());
  // What was not sent yet is not sent any more.
  made.addEventListener("close", () => question.looking.abort());
  form.addEventListener("keydown", (event) => { if (event.repeat && event.key === "Enter") event.preventDefault(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const reservas = await question.confirm();
    if (reservas === null) {
      if (!made.open) sayNotDone(question);
      return;
    }
    done();
    if (!made.open) {
      say(`${isDone}. ${summary(reservas)}`);
      return;
    }
    const said = element("h3", { tabindex: -1, text: isDone });
    form.replaceWith(said, outcome(reservas), element("div", { class: "row end" },
      element("button", { type: "button", class: "main", text: text("close"), onclick: () => made.close() })));
    said.focus();
  });
  question.look();
  await open(made);
}

/** A dialog that was closed meanwhile cannot show why nothing was done. */
function sayNotDone(/** @type {EffectQuestion<FormData>} */ { refused }) {
  if (refused !== null) sayError(refused);
}

/**
 * A function that shows the question in these parts of the dialog.
 * @param {{ effect: Element, wrong: Element, confirm: HTMLButtonElement, isDangerous: boolean, label: (cancelled: number) => string }} parts
 */
function shower({ effect, wrong, confirm, isDangerous, label }) {
  /** @type {Affected[] | null} A live region is read again when it is made again. */
  let shown = null;
  return (/** @type {EffectQuestion<FormData>} */ { effect: reservas, unknown, refused, hasChanged, isLooking, mayPress }) => {
    mark(confirm, "aria-disabled", !mayPress);
    mark(effect, "aria-busy", isLooking);
    showProblem(wrong, hasChanged ? new OwnError(text("effect.changed")) : refused);
    if (isLooking || (reservas !== null && reservas === shown)) return;
    shown = reservas;
    if (reservas === null) {
      showProblem(effect, unknown);
      confirm.textContent = text("effect.again");
      confirm.className = "main";
      return;
    }
    const cancelled = reservas.filter(({ resultado }) => resultado === "cancelada").length;
    effect.replaceChildren(effects(reservas));
    confirm.textContent = label(cancelled);
    confirm.className = isDangerous || cancelled > 0 ? "danger" : "main";
  };
}

function mark(/** @type {Element} */ target, /** @type {string} */ name, /** @type {boolean} */ isSet) {
  if (isSet) target.setAttribute(name, "true");
  else target.removeAttribute(name);
}
