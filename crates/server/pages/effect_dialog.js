// A dialog for what affects reservas: the effect of each choice is shown, as the API says it to
// `simular`, and nothing is done whose effect is not shown.
import { debounced, element } from "./dom.js";
import { dialog, open, pressed, say, sayError, showProblem } from "./dialogs.js";
import { effects, outcome, summary } from "./effects.js";
import { text } from "./texts.js";

/** @typedef {import("./effects.js").Affected} Affected */

/**
 * @param {{ heading: string, before: (Node | string)[], after: (Node | string)[], isDangerous: boolean,
 *   label: (cancelled: number) => string, simulate: (values: FormData, signal: AbortSignal) => Promise<Affected[]>,
 *   act: (values: FormData) => Promise<Affected[]>, isDone: string, done: () => void,
 *   isPossible?: (reservas: Affected[]) => boolean }} question
 *   `before` and `after` the effect; `label` of the button that does it; `isDone` says that it is done.
 *   What is not possible cannot be confirmed, and the effect says why.
 */
export async function openEffectDialog({ heading, before, after, isDangerous, label, simulate, act, isDone, done, isPossible = () => true }) {
  const effect = element("div", { class: "effect", "aria-live": "polite" }, text("effect.looking"));
  const confirm = /** @type {HTMLButtonElement} */ (element("button", { type: "submit", text: label(0) }));
  const form = /** @type {HTMLFormElement} */ (element("form", { class: "stack" }, ...before, effect, ...after,
    element("div", { class: "row end" },
      element("button", { type: "button", text: text("back"), onclick: () => made.close() }), confirm)));
  const made = dialog(heading, form);
  const update = effectUpdater({ form, effect, confirm, isDangerous, label, simulate, isPossible });
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pressed(confirm, async () => {
      const reservas = await act(new FormData(form)).catch((error) => {
        if (made.open) showProblem(effect, error);
        else sayError(error);
      });
      if (!reservas) return;
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
  });
  update();
  await open(made);
}

/**
 * A function that shows the effect of what is chosen, each time it is called.
 * @param {{ form: HTMLFormElement, effect: Element, confirm: HTMLButtonElement, isDangerous: boolean,
 *   label: (cancelled: number) => string, simulate: (values: FormData, signal: AbortSignal) => Promise<Affected[]>,
 *   isPossible: (reservas: Affected[]) => boolean }} parts
 */
function effectUpdater({ form, effect, confirm, isDangerous, label, simulate, isPossible }) {
  let asking = new AbortController();
  const ask = debounced(100, async (/** @type {AbortSignal} */ signal) => {
    try {
      const reservas = await simulate(new FormData(form), signal);
      if (signal.aborted) return;
      const cancelled = reservas.filter(({ resultado }) => resultado === "cancelada").length;
      effect.replaceChildren(effects(reservas));
      confirm.textContent = label(cancelled);
      confirm.className = isDangerous || cancelled > 0 ? "danger" : "main";
      if (isPossible(reservas)) confirm.removeAttribute("aria-disabled");
    } catch (error) {
      if (signal.aborted) return;
      showProblem(effect, error);
    }
    effect.removeAttribute("aria-busy");
  });
  return () => {
    asking.abort();
    asking = new AbortController();
    confirm.setAttribute("aria-disabled", "true");
    effect.setAttribute("aria-busy", "true");
    ask(asking.signal);
  };
}
