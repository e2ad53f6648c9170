// Taking a posto out of service: what it would affect is seen before it is done, and who was notified after.
import { debounced, element } from "./dom.js";
import { dialog, open, pressed, say, showProblem } from "./dialogs.js";
import { effects, outcome } from "./effects.js";
import { localInput } from "./format.js";
import { choices } from "./forms.js";
import { api } from "./session.js";
import { counted, text } from "./texts.js";

/** @typedef {import("./postos_now.js").Posto} Posto */

/** Puts a posto in service again; nothing that was moved or cancelled comes back by that. */
export async function backInService(/** @type {Posto} */ { id, nome, carregador }, /** @type {() => void} */ done) {
  await api(`postos/${id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
  const chargerSaysOut = carregador && (!carregador.disponivel || carregador.em_manutencao);
  say(text(chargerSaysOut ? "service.is_back_charger" : "service.is_back", { nome }));
  done();
}

/** @returns {Promise<void>} When the dialog is closed. */
export async function openMaintenance(/** @type {Posto} */ posto, /** @type {() => void} */ done) {
  const effect = element("div", { class: "effect", "aria-live": "polite", "aria-busy": "true" }, text("effect.looking"));
  const confirm = /** @type {HTMLButtonElement} */ (element("button", { type: "submit", class: "main", text: text("service.confirm") }));
  const form = /** @type {HTMLFormElement} */ (element("form", { class: "stack" },
    choices("reservas", text("handling"), [
      ["mover", text("handling.mover"), text("handling.mover_hint")],
      ["manter", text("handling.manter"), text("handling.manter_hint")],
      ["cancelar", text("handling.cancelar"), text("handling.cancelar_hint")],
    ], "mover"),
    effect,
    choices("estado", text("service.as"), [
      ["manutencao", text("service.maintenance"), ""],
      ["fora", text("service.other"), ""],
    ], posto.operador.disponivel || posto.operador.em_manutencao ? "manutencao" : "fora"),
    element("label", {}, text("until"),
      element("span", { class: "hint", text: text("until.hint") }),
      element("input", { type: "datetime-local", name: "ate", min: localInput(Date.now()) })),
    element("div", { class: "row end" },
      element("button", { type: "button", text: text("back"), onclick: () => made.close() }),
      confirm)));
  const made = dialog(text("service.heading", { nome: posto.nome }), form);
  const ask = asker(posto, form, effect, confirm);
  const askSoon = debounced(100, ask);
  form.addEventListener("change", () => {
    // Nothing is done whose effect is not shown.
    confirm.setAttribute("aria-disabled", "true");
    askSoon();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pressed(confirm, async () => {
      const answer = await change(posto, form, false).catch((error) => showProblem(effect, error));
      if (!answer) return;
      const heading = element("h3", { tabindex: -1, text: text("service.done", { nome: posto.nome }) });
      form.replaceWith(heading, outcome(answer.reservas),
        element("div", { class: "row end" }, element("button", { type: "button", class: "main", text: text("close"), onclick: () => made.close() })));
      heading.focus();
      done();
    });
  });
  ask();
  await open(made);
}

/**
 * What shows the effect of what is chosen, each time it is called; an answer to an older choice is dropped.
 * @param {Posto} posto
 * @param {HTMLFormElement} form
 * @param {Element} effect
 * @param {HTMLButtonElement} confirm
 */
function asker(posto, form, effect, confirm) {
  let asking = new AbortController();
  return async () => {
    asking.abort();
    const mine = new AbortController();
    asking = mine;
    confirm.setAttribute("aria-disabled", "true");
    effect.setAttribute("aria-busy", "true");
    try {
      const { reservas } = await change(posto, form, true, mine.signal);
      const cancelled = reservas.filter((/** @type {any} */ reserva) => reserva.resultado === "cancelada").length;
      effect.replaceChildren(effects(reservas));
      confirm.textContent = cancelled > 0 ? counted("service.confirm_cancel", cancelled) : text("service.confirm");
      confirm.classList.toggle("danger", cancelled > 0);
      confirm.classList.toggle("main", cancelled === 0);
      confirm.removeAttribute("aria-disabled");
    } catch (error) {
      if (mine.signal.aborted) return;
      showProblem(effect, error);
    }
    effect.removeAttribute("aria-busy");
  };
}

/**
 * @param {Posto} posto
 * @param {HTMLFormElement} form
 * @param {boolean} simular
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ reservas: import("./effects.js").Affected[] }>}
 */
function change({ id }, form, simular, signal) {
  const chosen = new FormData(form);
  const ate = String(chosen.get("ate") ?? "");
  const body = {
    disponivel: false,
    em_manutencao: chosen.get("estado") === "manutencao",
    reservas: chosen.get("reservas"),
    ...(ate === "" ? {} : { ate: new Date(ate).toISOString() }),
    ...(simular ? { simular } : {}),
  };
  return api(`postos/${id}/disponibilidade`, { method: "PUT", body, signal });
}
