// The view of the audit: what was changed, by whom, from what to what.
import { query } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { problem, pressed } from "./dialogs.js";
import { differences } from "./differences.js";
import { decimal, fullMoment } from "./format.js";
import { api } from "./session.js";
import { counted, text } from "./texts.js";
import { word } from "./words.js";

const PAGE = 50;

/** @typedef {{ id: number, quando: string, quem: string, acao: string, alvo: string, antes: any, depois: any }} Change */

const form = () => /** @type {HTMLFormElement} */ (byId("auditoria-filters"));

/** Counts the lists that were begun, so that rows that come late are dropped. */
let begun = 0;

export function start() {
  for (const option of form().querySelectorAll("[name=acao] option")) {
    const action = /** @type {HTMLOptionElement} */ (option).value;
    if (action !== "") setText(option, word("acao", action));
  }
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = new FormData(form());
    const hash = `#auditoria${query(Object.fromEntries(typed))}`;
    // The same address again is no change of it.
    if (location.hash === hash) show(new URLSearchParams(hash.split("?")[1]));
    else location.hash = hash;
  });
}

/** @param {URLSearchParams} parameters */
export async function show(parameters) {
  for (const input of form().querySelectorAll("input, select")) {
    const field = /** @type {HTMLInputElement} */ (input);
    field.value = parameters.get(field.name) ?? "";
  }
  const wanted = {
    quem: parameters.get("quem"),
    acao: parameters.get("acao"),
    alvo: parameters.get("alvo"),
    de: midnight(parameters.get("de"), 0),
    ate: midnight(parameters.get("ate"), 1),
    limite: PAGE,
  };
  begun += 1;
  byId("auditoria-list").replaceChildren();
  byId("auditoria-more").replaceChildren();
  setText(byId("auditoria-count"), "");
  await add(begun, wanted, null);
}

/** The beginning of a day that was typed, or of one after it. */
function midnight(/** @type {string | null} */ day, /** @type {number} */ after) {
  const [year, month, date] = (day ?? "").split("-").map(Number);
  return date ? new Date(year, month - 1, date + after).toISOString() : null;
}

/** Adds a page to the list with this number, if that is still the one that is shown. */
async function add(/** @type {number} */ number, /** @type {Record<string, any>} */ wanted, /** @type {number | null} */ before) {
  const list = byId("auditoria-list");
  const place = byId("auditoria-more");
  try {
    const { auditoria, proxima } = await api(`auditoria${query({ ...wanted, antes_de: before })}`);
    if (number !== begun) return;
    const rows = auditoria.map(row);
    list.append(...rows);
    if (before !== null) rows[0]?.focus();
    setText(byId("auditoria-count"), counted("changes", list.children.length));
    const more = /** @type {HTMLButtonElement} */ (element("button", {
      type: "button", text: text("more_rows"), onclick: () => pressed(more, () => add(number, wanted, proxima)),
    }));
    place.replaceChildren(...(proxima === null ? [] : [more]));
  } catch (error) {
    if (number === begun) place.replaceChildren(problem(error));
  }
}

function row(/** @type {Change} */ { quando, quem, acao, alvo, antes, depois }) {
  const fields = differences(antes, depois).map(({ campo, antes: was, depois: is }) =>
    element("li", {}, element("span", { class: "quiet", text: `${campo}: ` }), ...values(was, is)));
  return element("li", { class: "change", tabindex: -1 },
    element("p", {}, element("strong", { text: `${word("acao", acao)} ${alvo}` })),
    element("p", { class: "quiet", text: text("audit.by", { quem, at: fullMoment(quando) }) }),
    fields.length > 0 && element("ul", { class: "lines" }, ...fields));
}

function values(/** @type {unknown} */ was, /** @type {unknown} */ is) {
  if (was === undefined) return [shown(is)];
  return [element("del", { text: shown(was) }), is === undefined ? "" : " → ", is === undefined ? "" : element("ins", { text: shown(is) })];
}

/** A value of the audit as people write it. */
function shown(/** @type {unknown} */ value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return text(value ? "yes" : "no");
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(value).replace(".", decimal(0.5).charAt(1));
  if (typeof value !== "string") return JSON.stringify(value);
  return /^\d{4}-\d\d-\d\dT/.test(value) ? fullMoment(value) : value;
}
