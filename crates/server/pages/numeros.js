// The view of numbers: what happened in a period, as plots and as tables.
import { byId, element } from "./dom.js";
import { pressed, showProblem } from "./dialogs.js";
import { download } from "./download.js";
import { fullMoment, integer, kwh, percentage, reais } from "./format.js";
import { now, query } from "./api.js";
import { updateInPlace } from "./in_place.js";
import { PERIODS, inOffset, offset, period, refusals } from "./periods.js";
import { rankPlot, timePlot } from "./plot.js";
import { Poll } from "./poll.js";
import { api } from "./session.js";
import { table } from "./tables.js";
import { language, text } from "./texts.js";
import { word } from "./words.js";

/** @typedef {{ de: string, ate: string, numeros: any }} Step */

const inUtc = (/** @type {Intl.DateTimeFormatOptions} */ options) => new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
const hour = inUtc({ hour: "2-digit", minute: "2-digit" });
const day = inUtc({ day: "2-digit", month: "2-digit" });
const month = inUtc({ month: "short", year: "2-digit" });

const POLL_INTERVAL = 60_000;

const poll = new Poll(POLL_INTERVAL, load, answered);

/** The period that is asked for. */
let chosen = /** @type {string} */ ("7d");
/** The period whose numbers are shown, and the query that they answer; `""` if there are none. */
let shown = { name: "", wanted: "" };

/** @param {URLSearchParams} parameters */
export function show(parameters) {
  chosen = PERIODS.find((known) => known === parameters.get("periodo")) ?? "7d";
  for (const link of byId("periods").children) {
    if (link.getAttribute("data-period") === chosen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  byId("numeros-content").setAttribute("aria-busy", "true");
  poll.start();
}

export const hide = () => poll.stop();

/** After the operator has gone. */
export function forget() {
  clear();
  showProblem(byId("numeros-problem"), null);
}

function clear() {
  shown = { name: "", wanted: "" };
  byId("numeros-content").replaceChildren();
}

async function load(/** @type {AbortSignal} */ signal) {
  const name = chosen;
  const wanted = query(period(name, now(), offset(new Date())));
  const answer = await api(`estatisticas${wanted}`, { signal });
  if (signal.aborted) return;
  const place = byId("numeros-content");
  const made = element("div", {}, ...content(answer, name));
  if (name === shown.name) updateInPlace(place, made);
  else place.replaceChildren(...made.childNodes);
  shown = { name, wanted };
}

function answered(/** @type {unknown} */ error) {
  showProblem(byId("numeros-problem"), error);
  // Numbers of another period than the one that is chosen would be taken for its own.
  if (error !== null && shown.name !== chosen) clear();
  byId("numeros-content").removeAttribute("aria-busy");
}

/** What a step is called on the axis. */
function stepLabel(/** @type {Step} */ { de }, /** @type {string} */ name, /** @type {string} */ fuso) {
  const shown = inOffset(de, fuso);
  if (name === "24h") return hour.format(shown);
  return (name === "12m" ? month : day).format(shown);
}

function content(/** @type {any} */ { de, ate, fuso, calculado_em, passos, total }, /** @type {string} */ name) {
  const labels = passos.map((/** @type {Step} */ step) => stepLabel(step, name, fuso));
  const of = (/** @type {string} */ field) => passos.map((/** @type {Step} */ { numeros }) => numeros[field]);
  const recusas = refusals(total.recusas);
  const save = /** @type {HTMLButtonElement} */ (element("button", { type: "button", text: text("numeros.csv"),
    onclick: () => pressed(save, () => download(`estatisticas.csv${shown.wanted}&formato=excel`, "estatisticas.csv")) }));
  const servidor = document.body.dataset.servidor ?? "";
  return [
    element("p", { class: "print-only", text: text("numeros.printed", { servidor, de: fullMoment(de), ate: fullMoment(ate) }) }),
    element("p", { class: "quiet", "data-field": "counted", text: text("numeros.counted", { at: fullMoment(calculado_em) }) }),
    totals(total),
    card(timePlot({
      title: text("numeros.occupancy"), labels, unit: "percent", kind: "lines",
      series: [
        { name: text("numeros.ocupacao"), values: of("ocupacao") },
        { name: text("numeros.utilizacao"), values: of("utilizacao") },
      ],
    }), shareDetails([text("numeros.ocupacao"), text("numeros.utilizacao")], labels, [of("ocupacao"), of("utilizacao")])),
    card(timePlot({
      title: text("numeros.energy"), labels, unit: "decimal", kind: "bars",
      series: [{ name: text("numeros.energy"), values: of("energia_fornecida") }],
    }), energyDetails(labels, passos)),
    refusalCard(labels, passos, recusas),
    element("div", { class: "row" }, save,
      element("button", { type: "button", text: text("numeros.print"), onclick: () => print() })),
  ];
}

/** None where no posto was in service. */
const share = (/** @type {number | null} */ value) => value === null ? "–" : percentage(value);

const card = (/** @type {(Node | false)[]} */ ...parts) => element("div", { class: "card stack" }, ...parts);

/** How many over time, and which. */
function refusalCard(/** @type {string[]} */ labels, /** @type {Step[]} */ passos, /** @type {{ codigo: string, count: number }[]} */ recusas) {
  if (recusas.length === 0) {
    return card(element("h2", { text: text("numeros.refusals") }), element("p", { text: text("numeros.no_refusals") }));
  }
  const all = passos.map(({ numeros }) => refusals(numeros.recusas).reduce((sum, { count }) => sum + count, 0));
  const codes = recusas.map(({ codigo, count }) => ({ name: word("codigo", codigo), value: count }));
  return card(
    timePlot({
      title: text("numeros.refusals_time"), labels, unit: "count", kind: "bars",
      series: [{ name: text("numeros.refusals_time"), values: all }],
    }),
    rankPlot({ title: text("numeros.refusals"), items: codes, format: integer }),
    refusalDetails(labels, passos, recusas));
}

/** The whole period in a few numbers. */
function totals(/** @type {any} */ { ocupacao, utilizacao, energia_fornecida, custo, carregamentos, reservas }) {
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

/** The numbers of a plot of fractions. */
function shareDetails(/** @type {string[]} */ heads, /** @type {string[]} */ labels, /** @type {(number | null)[][]} */ series) {
  const rows = labels.map((label, at) => [label, ...series.map((values) => share(values[at]))]);
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
  const rows = labels.map((label, at) => [label, ...recusas.map(({ codigo }) => integer(passos[at].numeros.recusas[codigo] ?? 0))]);
  return inDetails(recusas.map(({ codigo }) => word("codigo", codigo)), rows);
}

function inDetails(/** @type {string[]} */ heads, /** @type {string[][]} */ rows) {
  const columns = [{ head: text("numeros.step") }, ...heads.map((head) => ({ head, isNumber: true }))];
  return element("details", {}, element("summary", { text: text("numeros.table") }), table(text("numeros.table"), columns, rows));
}
