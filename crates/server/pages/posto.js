// All that an operator can do with one posto.
import { element } from "./dom.js";
import { dialog, isWanted, open, say, sayError } from "./dialogs.js";
import { current } from "./facts.js";
import { decimal } from "./format.js";
import { askForm, choices, field, numberOf } from "./forms.js";
import { openEffectDialog } from "./effect_dialog.js";
import { api } from "./session.js";
import { endSession, startSession } from "./sessions.js";
import { apart, counted, text } from "./texts.js";

/** @typedef {import("./postos_now.js").Posto} Posto */

/** A dialog with the things that are done less often. */
export async function openPosto(/** @type {number} */ id, /** @type {() => void} */ done) {
  const entry = current().find(({ posto }) => posto.id === id);
  if (!entry) return;
  const { posto, session } = entry;
  const choose = (/** @type {string} */ label, /** @type {() => Promise<unknown>} */ act, danger = false) =>
    element("button", { type: "button", class: danger ? "danger" : null, text: label, onclick: () => { made.close(); act(); } });
  const made = dialog(`${apart(posto.nome)} (${posto.id})`, element("div", { class: "stack" },
    choose(text("posto.edit"), () => edit(posto, done)),
    session
      ? choose(text("session.end"), () => endSession(posto, session, done))
      : choose(text("session.start"), () => startSession(posto, done)),
    posto.carregador && choose(text("charger.forget"), () => forgetCharger(posto, done)),
    element("a", { class: "button", href: `#auditoria?alvo=posto/${posto.id}`, text: text("posto.audit"), onclick: () => made.close() }),
    choose(text("posto.remove"), () => openRemoval(posto, done), true)));
  await open(made);
}

function edit(/** @type {Posto} */ posto, /** @type {() => void} */ done) {
  const number = (/** @type {string} */ name, /** @type {number} */ value) =>
    ({ name, value: plainNumber(value), inputmode: "decimal", required: true, autocomplete: "off" });
  return askForm({
    heading: text("posto.edit_heading", { nome: posto.nome }),
    content: [
      field(text("posto.nome"), { name: "nome", value: posto.nome, required: true, autocomplete: "off" }),
      field(text("posto.preco"), number("preco_kwh", posto.preco_kwh), text("posto.preco_hint")),
      field(text("posto.potencia"), number("potencia_maxima", posto.potencia_maxima)),
      field(text("posto.conector"), { name: "tipo_conector", value: posto.tipo_conector, required: true, autocomplete: "off" }),
    ],
    submit: text("save"),
    send: async (values) => {
      const body = changed(posto, {
        nome: String(values.get("nome")),
        preco_kwh: numberOf(values, "preco_kwh"),
        potencia_maxima: numberOf(values, "potencia_maxima"),
        tipo_conector: String(values.get("tipo_conector")),
      });
      if (Object.keys(body).length > 0) await api(`postos/${posto.id}`, { method: "PATCH", body });
      done();
      return text("posto.saved", { nome: String(values.get("nome")) });
    },
  });
}

/** What differs, so that a change by somebody else meanwhile is not undone. */
function changed(/** @type {Record<string, any>} */ posto, /** @type {Record<string, unknown>} */ typed) {
  return Object.fromEntries(Object.entries(typed).filter(([name, value]) => posto[name] !== value));
}

/** As it is typed, with all its decimals. */
const plainNumber = (/** @type {number} */ value) => String(value).replace(".", decimal(0.5).charAt(1));

async function forgetCharger(/** @type {Posto} */ { id, nome }, /** @type {() => void} */ done) {
  const question = { heading: text("charger.forget"), says: text("charger.forget_says", { nome }), yes: text("charger.forget_yes") };
  if (!(await isWanted(question))) return;
  await api(`postos/${id}/carregador`, { method: "DELETE" }).then(
    () => say(text("charger.forgotten", { nome })),
    sayError,
  );
  done();
}

function openRemoval(/** @type {Posto} */ { id, nome }, /** @type {() => void} */ done) {
  const remove = async (/** @type {FormData} */ values, /** @type {string} */ simular, /** @type {AbortSignal | undefined} */ signal) => {
    const path = `postos/${id}?reservas=${values.get("reservas")}${simular}`;
    return (await api(path, { method: "DELETE", signal })).reservas;
  };
  return openEffectDialog({
    heading: text("posto.remove_heading", { nome }),
    before: [
      element("p", { text: text("posto.remove_says") }),
      choices("reservas", text("handling"), [
        ["mover", text("handling.mover"), text("handling.mover_all_hint")],
        ["cancelar", text("handling.cancelar"), text("handling.cancelar_hint")],
      ], "mover"),
    ],
    after: [],
    isDangerous: true,
    isPossible: (reservas) => !reservas.some(({ motivo }) => motivo === "sem_posto"),
    label: (cancelled) => cancelled > 0 ? counted("posto.remove_cancel", cancelled) : text("posto.remove_yes"),
    simulate: (values, signal) => remove(values, "&simular=true", signal),
    act: (values) => remove(values, "", undefined),
    isDone: text("posto.removed", { nome }),
    done,
  });
}
