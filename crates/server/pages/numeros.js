// The view of numbers: what happened in a period, as plots and as tables.
import { byId, element } from "./dom.js";
import { problem, pressed } from "./dialogs.js";
import { download } from "./download.js";
import { clockOf, dayOf, decimal, integer, kwh, percentage, reais } from "./format.js";
import { query } from "./api.js";
import { PERIODS, period, refusals } from "./periods.js";
import { rankPlot, timePlot } from "./plot.js";
import { api } from "./session.js";
import { table } from "./tables.js";
import { language, text } from "./texts.js";
import { word } from "./words.js";

/** @typedef {{ de: string, ate: string, numeros: any }} Step */

const month = new Intl.DateTimeFormat(language, { month: "short", year: "2-digit" });

/** @param {URLSearchParams} parameters */
export async function show(parameters) {
  const asked = parameters.get("periodo") ?? "";
  const name = PERIODS.find((known) => known === asked) ?? "7d";
  for (const link of byId("periods").children) {
    if (link.getAttribute("data-period") === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const place = byId("numeros-content");
  place.setAttribute("aria-busy", "true");
  const wanted = query(period(name, new Date()));
  try {
    const answer = await api(`estatisticas${wanted}`);
    place.replaceChildren(...content(answer, name, wanted));
  } catch (error) {
    place.replaceChildren(problem(error));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** What a step is called on the axis. */
function stepLabel(/** @type {Step} */ { de }, /** @type {string} */ name) {
  if (name === "24h") return clockOf(de);
  return name === "12m" ? month.format(new Date(de)) : dayOf(de);
}

function content(/** @type {any} */ { passos, total }, /** @type {string} */ name, /** @type {string} */ wanted) {
  const labels = passos.map((/** @type {Step} */ step) => stepLabel(step, name));
  const of = (/** @type {string} */ field) => passos.map((/** @type {Step} */ { numeros }) => numeros[field]);
  const recusas = refusals(total.recusas);
  const codes = recusas.map(({ codigo, count }) => ({ name: word("codigo", codigo), value: count }));
  const save = /** @type {HTMLButtonElement} */ (element("button", { type: "button", text: text("numeros.csv"),
    onclick: () => pressed(save, () => download(`estatisticas.csv${wanted}&formato=excel`, "estatisticas.csv")) }));
  return [
    totals(total),
    card(timePlot({
      title: text("numeros.occupancy"), labels, format: percentage, kind: "lines",
      series: [
        { name: text("numeros.ocupacao"), values: of("ocupacao") },
        { name: text("numeros.utilizacao"), values: of("utilizacao") },
      ],
    }), details([text("numeros.ocupacao"), text("numeros.utilizacao")], labels, [of("ocupacao"), of("utilizacao")], percentage)),
    card(timePlot({
      title: text("numeros.energy"), labels, format: decimal, kind: "bars",
      series: [{ name: text("numeros.energy"), values: of("energia_fornecida") }],
    }), energyDetails(labels, passos)),
    card(recusas.length === 0
      ? element("figure", { class: "plot" }, element("figcaption", { text: text("numeros.refusals") }), element("p", { text: text("numeros.no_refusals") }))
      : rankPlot({ title: text("numeros.refusals"), items: codes, format: integer }),
    refusalDetails(labels, passos, recusas)),
    element("div", { class: "row" }, save,
      element("button", { type: "button", text: text("numeros.print"), onclick: () => print() })),
  ];
}

const card = (/** @type {(Node | false)[]} */ ...parts) => element("div", { class: "card stack" }, ...parts);

/** The whole period in a few numbers. */
function totals(/** @type {any} */ { ocupacao, utilizacao, energia_fornecida, custo, carregamentos, reservas }) {
  const share = (/** @type {number | null} */ value) => value === null ? "–" : percentage(value);
  const entries = [
    [text("numeros.ocupacao"), share(ocupacao)],
    [text("numeros.utilizacao"), share(utilizacao)],
    [text("numeros.total_energy"), kwh(energia_fornecida)],
    [text("numeros.total_cost"), reais(custo)],
    [text("numeros.carregamentos"), integer(carregamentos)],
    [text("numeros.feitas"), integer(reservas.feitas)],
    [text("numeros.nao_compareceu"), integer(reservas.nao_compareceu)],
    [text("numeros.cancelada"), integer(reservas.cancelada)],
  ];
  return element("dl", { class: "totals" }, ...entries.map(([term, value]) =>
    element("div", {}, element("dt", { text: term }), element("dd", { text: value }))));
}

function details(/** @type {string[]} */ heads, /** @type {string[]} */ labels, /** @type {(number | null)[][]} */ series, /** @type {(value: number) => string} */ format) {
  const rows = labels.map((label, at) => [label, ...series.map((values) => {
    const value = values[at];
    return value === null ? "–" : format(value);
  })]);
  return inDetails(heads, rows);
}

function energyDetails(/** @type {string[]} */ labels, /** @type {Step[]} */ passos) {
  const rows = labels.map((label, at) => {
    const { energia_fornecida, custo, carregamentos } = passos[at].numeros;
    return [label, kwh(energia_fornecida), reais(custo), integer(carregamentos)];
  });
  return inDetails([text("numeros.total_energy"), text("numeros.total_cost"), text("numeros.carregamentos")], rows);
}

/** By step and code, since the plot has the codes of the whole period only. */
function refusalDetails(/** @type {string[]} */ labels, /** @type {Step[]} */ passos, /** @type {{ codigo: string }[]} */ recusas) {
  if (recusas.length === 0) return false;
  const rows = labels.map((label, at) => [label, ...recusas.map(({ codigo }) => integer(passos[at].numeros.recusas[codigo] ?? 0))]);
  return inDetails(recusas.map(({ codigo }) => word("codigo", codigo)), rows);
}

function inDetails(/** @type {string[]} */ heads, /** @type {string[][]} */ rows) {
  const columns = [{ head: text("numeros.step") }, ...heads.map((head) => ({ head, isNumber: true }))];
  return element("details", {}, element("summary", { text: text("numeros.table") }), table(text("numeros.table"), columns, rows));
}
