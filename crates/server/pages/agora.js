// The view of now: what needs attention first, and all postos by what they do.
import { ApiError, now } from "./api.js";
import { attention } from "./attention.js";
import { showAttention } from "./attention_list.js";
import { byId, debounced, element, setField, setText } from "./dom.js";
import { pressed, sentence } from "./dialogs.js";
import { current, facts, load } from "./facts.js";
import { duration, kw, moment, pricePerKwh } from "./format.js";
import { bringUpToDate, setAttribute } from "./lists.js";
import { backInService, openMaintenance } from "./maintenance.js";
import { openPosto } from "./posto.js";
import { Poll } from "./poll.js";
import { STATES, counts, matching } from "./postos_now.js";
import { isKnown, learnRole, mayWrite } from "./session.js";
import { counted, text } from "./texts.js";
import { plate } from "./words.js";

/** @typedef {import("./postos_now.js").Now} Now */

/** As often as a change at a posto is worth seeing; unchanged postos are answered with 304. */
const POLL_INTERVAL = 4000;

const chosen = /** @type {Set<string>} */ (new Set());
let lastError = /** @type {unknown} */ (null);

/** What is older than this is said to be: a page that was asleep, or waits for a token. */
const STALE_AFTER = 30_000;

const poll = new Poll(POLL_INTERVAL, loadAll, (error) => {
  lastError = error;
  renderFreshness();
});

async function loadAll(/** @type {AbortSignal} */ signal) {
  await load(signal, render);
  if (!isKnown() && !facts.isPublic) await learnRole();
}

export function start() {
  byId("search").addEventListener("input", debounced(80, render));
  byId("states").replaceChildren(...STATES.map((state) => element("button", {
    type: "button", "data-state": state, "aria-pressed": "false", class: "state",
    onclick: () => { toggle(state); render(); },
  })));
  byId("tools").hidden = false;
  setInterval(renderFreshness, 1000);
  poll.start();
}

/** Asks again at once, after something was changed. */
export const refresh = () => poll.pollNow();

function toggle(/** @type {string} */ state) {
  if (!chosen.delete(state)) chosen.add(state);
}

export function render() {
  // The list that came with the page stays until there is another.
  if (facts.readAt > 0) renderPostos();
  renderFreshness();
}

function renderPostos() {
  const postos = current();
  renderAttention(postos);
  if (byId("view-agora").hidden) return;
  renderStates(postos);
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  const shown = matching(postos, search.value, chosen);
  bringUpToDate(byId("postos"), shown, ({ posto }) => String(posto.id), makePosto, updatePosto);
  const isAll = shown.length === postos.length;
  if (postos.length === 0 && mayWrite()) setText(byId("count"), text("postos.none"));
  else setText(byId("count"), isAll ? counted("postos", postos.length) : counted("postos.of", postos.length, { shown: shown.length }));
}

function renderAttention(/** @type {Now[]} */ postos) {
  const { reservas, notReady, isComplete, isPublic } = facts;
  const items = attention({ postos, reservas, notReady, now: now() });
  showAttention(items, refresh);
  byId("nothing").hidden = items.length > 0 || postos.length === 0 || !(isComplete || isPublic);
  byId("nothing").classList.toggle("good", isComplete);
  setText(byId("nothing"), text(isComplete ? "attention.none" : "attention.public"));
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = items.length > 0 ? `(${items.length}) ${title}` : title;
}

function renderStates(/** @type {Now[]} */ postos) {
  const count = counts(postos);
  for (const button of byId("states").children) {
    const state = button.getAttribute("data-state") ?? "";
    setText(button, `${text(`state.${state}`)} ${count[state]}`);
    setAttribute(button, "aria-pressed", String(chosen.has(state)));
    /** @type {HTMLElement} */ (button).hidden = count[state] === 0 && !chosen.has(state);
  }
}

function makePosto(/** @type {Now} */ { posto }) {
  return element("li", { class: "posto card", "data-posto-id": posto.id },
    element("h3", {}, element("bdi", { "data-field": "name", translate: "no" }), ` (${posto.id})`),
    element("p", { class: "state", "data-field": "state" }),
    element("p", { "data-field": "detail" }),
    element("p", { class: "quiet", "data-field": "facts" }));
}

function updatePosto(/** @type {Element} */ made, /** @type {Now} */ entry) {
  const { posto, state } = entry;
  setAttribute(made, "data-state", state);
  setField(made, "name", posto.nome);
  setField(made, "state", text(`state.${state}`));
  setField(made, "detail", detail(entry));
  setField(made, "facts", `${posto.tipo_conector} · ${kw(posto.potencia_maxima)} · ${pricePerKwh(posto.preco_kwh)}`);
  updateActions(made, entry);
}

/** What there is to say of a posto beside its state. */
function detail(/** @type {Now} */ { state, by, since, session, reserva, next }) {
  const parts = [];
  if (session) {
    const time = duration(now() - Date.parse(session.inicio));
    parts.push(text("detail.charging", { placa: plate(session), since: moment(session.inicio), duration: time }));
    if (by) parts.push(text("detail.out_too"));
  } else if (by) {
    parts.push(since ? text("detail.by_charger", { since: moment(since) }) : text(`detail.${by}`));
  }
  if (reserva && state !== "charging") parts.push(text("detail.reserved", { placa: plate(reserva), until: moment(reserva.fim) }));
  if (next) parts.push(text("detail.next", { at: moment(next.inicio) }));
  return parts.join(" · ");
}

function updateActions(/** @type {Element} */ made, /** @type {Now} */ { posto, by }) {
  let place = /** @type {HTMLElement | null} */ (made.querySelector(".actions"));
  if (!mayWrite()) {
    place?.remove();
    return;
  }
  if (!place) {
    const service = element("button", { type: "button", "data-action": "service" });
    const more = element("button", { type: "button", "data-action": "more", text: text("more") });
    place = element("div", { class: "row actions" }, service, more);
    made.append(place);
  }
  const isOut = by === "operador";
  const service = /** @type {HTMLButtonElement} */ (place.querySelector("[data-action=service]"));
  const more = /** @type {HTMLButtonElement} */ (place.querySelector("[data-action=more]"));
  const label = text(isOut ? "service.back" : "service.out");
  setText(service, label);
  setAttribute(service, "aria-label", `${label}: ${posto.nome}`);
  service.onclick = () => isOut ? pressed(service, () => backInService(posto, refresh)) : openMaintenance(posto, refresh);
  setAttribute(more, "aria-label", `${text("more")}: ${posto.nome}`);
  more.onclick = () => openPosto(posto.id, refresh);
}

/** Says how old what is seen is, and what it means when the servidor does not answer. */
function renderFreshness() {
  const { readAt, isCut, isPublic } = facts;
  const isLate = readAt > 0 && (lastError !== null || Date.now() - readAt > STALE_AFTER);
  const live = byId("live");
  live.dataset.live = isLate ? "no" : "yes";
  setText(live, readAt === 0 ? "" : text(isLate ? "live.no" : "live.yes", { at: moment(readAt) }));
  byId("postos").toggleAttribute("data-stale", isLate);
  const stale = byId("stale");
  stale.hidden = lastError === null && !isPublic && !isCut;
  stale.classList.toggle("bad", lastError !== null);
  if (lastError !== null) setText(stale, staleText(lastError, readAt));
  else if (isPublic) setText(stale, text("stale.no_token"));
  else if (isCut) setText(stale, text("cut"));
}

function staleText(/** @type {unknown} */ error, /** @type {number} */ readAt) {
  const isAnswered = error instanceof ApiError && error.status > 0;
  const said = isAnswered ? sentence(error) : text("stale.no_answer");
  return readAt === 0 ? said : `${said} ${text("stale.since", { at: moment(readAt) })}`;
}
