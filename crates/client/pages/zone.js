// Which time the fields of a form are in.
import { localInput } from "./format.js";
import { text } from "./texts.js";

/** In minutes, as browsers count it. Brasília has had no summer time since 2019. */
const BRASILIA = 180;

/** Fields for a time are in that of the device, which a driver away from Brasília should know. */
export function markZone(/** @type {HTMLFormElement} */ form) {
  // A form that is sent before a module is there is read in the time of Brasília, as it says.
  form.querySelector("[data-zone]")?.remove();
  if (new Date().getTimezoneOffset() === BRASILIA) return;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[type="datetime-local"]'))) {
    // So is what the HTML has, which may be a form that was refused.
    if (input.value !== "" && input.value === input.defaultValue) input.value = localInput(`${input.value}-03:00`);
    const hint = document.getElementById(`${input.id}-hint`);
    if (!hint) continue;
    hint.textContent = [hint.textContent, text("time.device")].filter(Boolean).join(" ");
    hint.hidden = false;
  }
}
