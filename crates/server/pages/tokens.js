// The view of the tokens of this API, for operators.
import { byId, element } from "./dom.js";
import { isWanted, pressed, problem, say } from "./dialogs.js";
import { fullMoment } from "./format.js";
import { showRefusal } from "./forms.js";
import { api, mayWrite } from "./session.js";
import { table } from "./tables.js";
import { text } from "./texts.js";
import { word } from "./words.js";

/** @typedef {{ nome: string, papel: string, criado_em: string | null, ultimo_uso: string | null }} Token */

const form = () => /** @type {HTMLFormElement} */ (byId("token-form"));

export function start() {
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (form().querySelector("button"));
    pressed(button, make);
  });
}

export function show() {
  // A token that was made stays, as it is shown only once.
  byId("token-made").querySelector(".notice.bad")?.remove();
  return load();
}

/** The text of a new token is not shown again. */
export const hide = () => byId("token-made").replaceChildren();

async function load() {
  form().hidden = !mayWrite();
  try {
    const { tokens } = await api("tokens");
    form().hidden = false;
    byId("token-list").replaceChildren(tokens.length === 0 ? element("p", { text: text("token.none") }) : list(tokens));
  } catch (error) {
    byId("token-list").replaceChildren(problem(error));
  }
}

function list(/** @type {Token[]} */ tokens) {
  const columns = ["nome", "papel", "criado_em", "ultimo_uso", "actions"].map((name) => ({ head: text(`token.${name}`) }));
  const rows = tokens.map(({ nome, papel, criado_em, ultimo_uso }) => {
    const button = /** @type {HTMLButtonElement} */ (element("button", {
      type: "button", class: "danger", text: text("token.revoke"), "aria-label": text("token.revoke_name", { nome }),
      onclick: () => pressed(button, () => revoke(nome)),
    }));
    const made = criado_em === null ? "–" : fullMoment(criado_em);
    const used = ultimo_uso === null ? text("token.unused") : day(ultimo_uso);
    return [nome, word("papel", papel), made, used, button];
  });
  return table(text("token.list"), columns, rows);
}

/** A date without a time: the same day in every time zone. */
function day(/** @type {string} */ date) {
  const [year, month, number] = date.split("-");
  return text("token.day", { year, month, day: number });
}

async function make() {
  const place = byId("token-made");
  try {
    const made = await api("tokens", { method: "POST", body: Object.fromEntries(new FormData(form())) });
    place.replaceChildren(shown(made));
    place.querySelector("input")?.select();
    form().reset();
    for (const field of form().querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    await load();
  } catch (error) {
    showRefusal(place, form(), error);
  }
}

/** The text of a new token, which no other answer has. */
function shown(/** @type {{ nome: string, token: string }} */ { nome, token }) {
  const copy = element("button", { type: "button", class: "main", text: text("token.copy"), onclick: () => copied(token) });
  return element("div", { class: "notice good stack" },
    element("label", {}, text("token.made", { nome }),
      element("span", { class: "hint", text: text("token.once") }),
      element("input", { type: "text", readonly: true, value: token, class: "secret", spellcheck: "false" })),
    element("div", { class: "row" }, copy));
}

async function copied(/** @type {string} */ token) {
  try {
    await navigator.clipboard.writeText(token);
    say(text("token.copied"));
  } catch {
    // Only pages of secure origins may copy; the text can still be selected.
    const input = /** @type {HTMLInputElement | null} */ (byId("token-made").querySelector("input"));
    input?.focus();
    input?.select();
    say(text("token.not_copied"), { isBad: true });
  }
}

async function revoke(/** @type {string} */ nome) {
  const question = { heading: text("token.revoke_heading", { nome }), says: text("token.revoke_says"), yes: text("token.revoke") };
  if (!(await isWanted(question))) return;
  await api(`tokens/${encodeURIComponent(nome)}`, { method: "DELETE" });
  say(text("token.revoked", { nome }));
  await load();
}
