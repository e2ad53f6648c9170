// The view of files: lists out, postos in.
import { ApiError } from "./api.js";
import { byId, element } from "./dom.js";
import { OwnError, pressed, problem, say } from "./dialogs.js";
import { download } from "./download.js";
import { refresh } from "./agora.js";
import { apiAnswer } from "./session.js";
import { table } from "./tables.js";
import { counted, text } from "./texts.js";
import { isOld, isSameImport } from "./unchanged.js";

const TIMEOUT = 120_000;

const file = () => /** @type {HTMLInputElement} */ (byId("import-file"));

export function start() {
  const dialect = () => /** @type {HTMLSelectElement} */ (byId("dialect")).value;
  for (const button of byId("exports").querySelectorAll("button")) {
    const name = button.dataset.file ?? "";
    button.addEventListener("click", () => pressed(button, () => download(`${name}?formato=${dialect()}`, name)));
  }
  file().addEventListener("change", look);
  // Else the same file, corrected, is no change.
  file().addEventListener("click", () => {
    file().value = "";
    byId("import-effect").replaceChildren();
  });
}

export function show() {}

/** Shows what the chosen file would do. */
async function look() {
  const [chosen] = file().files ?? [];
  const place = byId("import-effect");
  if (!chosen) {
    place.replaceChildren();
    return;
  }
  place.setAttribute("aria-busy", "true");
  const result = await send(chosen, "?simular=true");
  place.removeAttribute("aria-busy");
  if (file().files?.[0] === chosen) place.replaceChildren(...effect(result, chosen));
}

/** @returns {Promise<any>} What the API says, also of a wrong file; or an error. */
async function send(/** @type {File} */ chosen, /** @type {string} */ simular) {
  // Read now: a file that is changed after it was chosen is not sent half.
  const bytes = await chosen.arrayBuffer().catch(() => null);
  if (bytes === null) return new OwnError(text("import.unreadable"));
  try {
    const content = new Blob([bytes]);
    const headers = { "content-type": "text/csv" };
    const response = await apiAnswer(`postos/importar${simular}`, { method: "POST", file: content, headers, timeout: TIMEOUT });
    const json = await response.json().catch(() => ({}));
    return response.ok || json.erros?.length > 0 ? json : new ApiError(response.status, json);
  } catch (error) {
    return error;
  }
}

function effect(/** @type {any} */ result, /** @type {File} */ chosen) {
  if (result instanceof Error) return [problem(result)];
  if (result.erros.length > 0) return wrong(result);
  const { criados, alterados, iguais } = result;
  const would = {
    criados: counted("import.criados", criados),
    alterados: counted("import.alterados", alterados),
    iguais: counted("import.iguais", iguais),
  };
  const says = element("p", { text: text("import.would", would) });
  if (criados + alterados === 0) return [says, element("p", { text: text("import.nothing") })];
  const lookedAt = Date.now();
  const yes = /** @type {HTMLButtonElement} */ (element("button", {
    type: "button", class: "main", text: text("import.yes"), onclick: () => pressed(yes, async () => {
      if (await stillHolds(result, lookedAt, chosen)) await confirmed(chosen);
    }),
  }));
  return [says, element("p", { text: text("import.keeps") }), element("div", { class: "row" }, yes)];
}

/** Whether the file would still do what is shown of it. If not, what it would do is shown. */
async function stillHolds(/** @type {any} */ shown, /** @type {number} */ lookedAt, /** @type {File} */ chosen) {
  if (!isOld(lookedAt, Date.now())) return true;
  const now = await send(chosen, "?simular=true");
  // Another file was chosen meanwhile, which was not confirmed.
  if (file().files?.[0] !== chosen) return false;
  if (now instanceof Error) throw now;
  if (isSameImport(shown, now)) return true;
  const notice = element("p", { class: "notice bad", tabindex: -1, text: text("import.changed") });
  byId("import-effect").replaceChildren(notice, ...effect(now, chosen));
  notice.focus();
  return false;
}

async function confirmed(/** @type {File} */ chosen) {
  const place = byId("import-effect");
  const result = await send(chosen, "");
  if (result instanceof Error) {
    place.replaceChildren(problem(result));
    return;
  }
  if (result.erros.length > 0) {
    place.replaceChildren(...wrong(result));
    return;
  }
  const { criados, alterados } = result;
  const done = text("import.done", { criados: counted("import.criados", criados), alterados: counted("import.alterados", alterados) });
  const shown = element("p", { class: "notice good", tabindex: -1, text: done });
  place.replaceChildren(shown);
  shown.focus();
  file().value = "";
  say(done);
  refresh();
}

/** Each wrong cell of a file. */
function wrong(/** @type {any} */ { mensagem, erros, total_de_erros }) {
  const columns = [
    { head: text("import.linha"), isNumber: true },
    { head: text("import.coluna") },
    { head: text("import.valor") },
    { head: text("import.mensagem") },
  ];
  const rows = erros.map((/** @type {any} */ { linha, coluna, valor, mensagem: wrongWith }) =>
    [String(linha), coluna, valor, element("span", { lang: "pt-BR", text: wrongWith })]);
  return [
    element("p", { class: "notice bad", lang: "pt-BR", text: mensagem }),
    table(text("import.erros"), columns, rows),
    total_de_erros > erros.length && element("p", { text: text("import.first", { shown: erros.length, total: total_de_erros }) }),
  ].filter(Boolean);
}
