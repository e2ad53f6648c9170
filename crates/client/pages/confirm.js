// Asks before what cannot be undone.
import { element, showDialog } from "./dom.js";
import { moment } from "./format.js";
import { text } from "./texts.js";

/**
 * Whether the driver does want to cancel this reserva.
 * @param {{ nome: string, inicio: string, fim: string }} reserva
 */
export async function confirmCancel({ nome, inicio, fim }) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
    element("form", { method: "dialog", class: "stack" },
      element("h2", { id: "confirm-title", text: text("cancel.question") }),
      element("p", { id: "confirm-text", text: text("cancel.meaning", { posto: nome, begin: moment(inicio), end: moment(fim) }) }),
      element("div", { class: "row" },
        // The first has the focus: a key that is pressed once too often undoes nothing.
        element("button", { value: "", text: text("cancel.no") }),
        element("button", { value: "yes", class: "danger", text: text("cancel.yes") })))));
  document.body.append(dialog);
  const answer = await showDialog(dialog);
  dialog.remove();
  return answer === "yes";
}
