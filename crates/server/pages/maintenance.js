// Taking a posto out of service and putting it back.
import { now } from "./api.js";
import { element } from "./dom.js";
import { isWanted, say } from "./dialogs.js";
import { localInput } from "./format.js";
import { choices } from "./forms.js";
import { openEffectDialog } from "./effect_dialog.js";
import { api } from "./session.js";
import { counted, text } from "./texts.js";

/** @typedef {import("./postos_now.js").Posto} Posto */

/** Puts a posto in service again; nothing that was moved or cancelled comes back by that. */
export async function backInService(/** @type {Posto} */ { id, nome, carregador }, /** @type {() => void} */ done) {
  // The button that does this did something else before, and may have been pressed for that.
  const heading = text("service.back_heading", { nome });
  const question = { heading, says: text("service.back_says"), yes: text("service.back_yes"), isDangerous: false };
  if (!(await isWanted(question))) return;
  await api(`postos/${id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
  const chargerSaysOut = carregador && (!carregador.disponivel || carregador.em_manutencao);
  say(text(chargerSaysOut ? "service.is_back_charger" : "service.is_back", { nome }));
  done();
}

/** @returns {Promise<void>} When the dialog is closed. */
export function openMaintenance(/** @type {Posto} */ { id, nome, operador }, /** @type {() => void} */ done) {
  const isOtherwiseOut = !operador.disponivel && !operador.em_manutencao;
  const change = async (/** @type {FormData} */ values, /** @type {object} */ more, /** @type {AbortSignal | undefined} */ signal) => {
    const body = { ...chosen(values), ...more };
    return (await api(`postos/${id}/disponibilidade`, { method: "PUT", body, signal })).reservas;
  };
  return openEffectDialog({
    heading: text("service.heading", { nome }),
    before: [
      choices("reservas", text("handling"), [
        ["mover", text("handling.mover"), text("handling.mover_hint")],
        ["manter", text("handling.manter"), text("handling.manter_hint")],
        ["cancelar", text("handling.cancelar"), text("handling.cancelar_hint")],
      ], "mover"),
    ],
    after: [
      choices("estado", text("service.as"), [
        ["manutencao", text("service.maintenance"), ""],
        ["fora", text("service.other"), ""],
      ], isOtherwiseOut ? "fora" : "manutencao"),
      element("label", {}, text("until"),
        element("span", { class: "hint", text: text("until.hint") }),
        element("input", { type: "datetime-local", name: "ate", min: localInput(now()) })),
    ],
    isDangerous: false,
    label: (cancelled) => cancelled > 0 ? counted("service.confirm_cancel", cancelled) : text("service.confirm"),
    simulate: (values, signal) => change(values, { simular: true }, signal),
    act: (values) => change(values, {}, undefined),
    isDone: text("service.done", { nome }),
    done,
  });
}

/** What the form says, as the API reads it. */
function chosen(/** @type {FormData} */ values) {
  const ate = String(values.get("ate") ?? "");
  return {
    disponivel: false,
    em_manutencao: values.get("estado") === "manutencao",
    reservas: values.get("reservas"),
    ...(ate === "" ? {} : { ate: new Date(ate).toISOString() }),
  };
}
