// Charging sessions as the operator begins and ends them by hand.
import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { OwnError } from "./dialogs.js";
import { kwh, localInput, moment, reais } from "./format.js";
import { askForm, field, numberOf } from "./forms.js";
import { api } from "./session.js";
import { text } from "./texts.js";
import { plate } from "./words.js";

/**
 * @param {{ id: number, nome: string }} posto
 * @param {import("./postos_now.js").Session} session
 * @param {() => void} done
 */
export function endSession({ id: postoId, nome }, session, done) {
  const placa = plate(session);
  const confirmed = element("label", { class: "check", hidden: true },
    element("input", { type: "checkbox", name: "confirmado" }), text("session.confirmed"));
  return askForm({
    heading: text("session.end_heading", { nome }),
    content: [
      element("p", { text: text("session.since", { placa, since: moment(session.inicio) }) }),
      field(text("session.energy"), { name: "energia_fornecida", inputmode: "decimal", required: true, autocomplete: "off" }),
      field(text("session.fim"), { name: "fim", type: "datetime-local", min: localInput(session.inicio) }, text("session.fim_hint")),
      confirmed,
    ],
    submit: text("session.end_confirm"),
    send: async (values) => {
      const body = {
        energia_fornecida: numberOf(values, "energia_fornecida"),
        ...(values.get("fim") ? { fim: new Date(String(values.get("fim"))).toISOString() } : {}),
        ...(values.has("confirmado") ? { confirmado: true } : {}),
      };
      try {
        const ended = await api(`postos/${postoId}/carregamentos/${session.id}`, { method: "PUT", body });
        done();
        return text("session.ended", { placa, energy: kwh(ended.energia_fornecida), cost: reais(ended.custo) });
      } catch (error) {
        if (!(error instanceof ApiError) || error.codigo !== "energia_implausivel") throw error;
        confirmed.hidden = false;
        // The sentence of the API names the field of its body.
        throw new OwnError(text("session.implausible", { confirmed: text("session.confirmed") }), "energia_fornecida");
      }
    },
  });
}

export function startSession(/** @type {{ id: number, nome: string }} */ { id, nome }, /** @type {() => void} */ done) {
  return askForm({
    heading: text("session.start_heading", { nome }),
    content: [field(text("placa"), { name: "placa", required: true, autocomplete: "off", autocapitalize: "characters" })],
    submit: text("session.start_confirm"),
    send: async (values) => {
      const started = await api(`postos/${id}/carregamentos`, { method: "POST", body: { placa: values.get("placa") } });
      done();
      return text("session.started", { placa: started.placa, nome });
    },
  });
}
