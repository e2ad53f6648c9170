// Words of the API in the language of the page. Its lists are open: a new one is shown as it is.
import { hasText, text } from "./texts.js";

export function word(/** @type {string} */ group, /** @type {string} */ value) {
  const key = `${group}.${value}`;
  return hasText(key) ? text(key) : value;
}

/** The placa of a reserva or a session; its carro may have been forgotten. */
export function plate(/** @type {{ placa: string | null }} */ { placa }) {
  return placa ?? text("placa.forgotten");
}
