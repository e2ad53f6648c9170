// The page of one posto, and the form that reserves it.
import { byId, setText } from "./dom.js";
import { Estimate } from "./estimate.js";
import { Live } from "./live.js";
import { Notices } from "./notices.js";
import { kilometres, knownPosition } from "./position.js";
import { Postos } from "./postos.js";
import { readPosto, showDistance, showPosto } from "./posto_view.js";
import { ReserveForm } from "./reserve.js";
import { Stream } from "./stream.js";
import { text } from "./texts.js";
import { lacksToken } from "./tokens.js";
import { registerWorker } from "./worker.js";
import { markZone } from "./zone.js";

/** What these say changes no estimate. */
const NO_ESTIMATE = ["placa", "modelo", "remember"];

const MAX_DELAY = 2000;
/** A period that begins now is another one after a while. */
const ESTIMATE_AGAIN = 180_000;

const article = byId("posto");
const heading = /** @type {HTMLElement} */ (article.querySelector("h1"));
const notFree = byId("not-free");
const form = /** @type {HTMLFormElement} */ (byId("reserve"));
const stateField = article.querySelector('[data-field="state"]');
const { server_id, posto_id, ...atFirst } = readPosto(article);

const postos = new Postos();
const live = new Live();
const notices = new Notices(postos, { only: server_id, onChange: show });
const reserving = new ReserveForm(form, () => postos.find(server_id, posto_id)?.nome ?? heading.textContent ?? "");
const estimate = new Estimate(() => (lacksToken() ? null : reserving.body()));
let shown = postos.find(server_id, posto_id);
let wasLive = false;

start();

function start() {
  // Without its servidor the HTML knows nothing of it.
  if (atFirst.connector) postos.add({ ...atFirst, server_id, posto_id });
  shown = postos.find(server_id, posto_id);
  stateField?.setAttribute("role", "status");
  markZone(form);
  form.addEventListener("input", (event) => {
    const { name } = /** @type {HTMLInputElement} */ (event.target);
    if (!NO_ESTIMATE.includes(name)) estimate.updateSoon();
  });
  estimate.update();
  setInterval(() => document.hidden || estimate.updateSoon(), ESTIMATE_AGAIN);
  showPlace();
  registerWorker();
  new Stream("eventos", {
    onEvent: ({ event, data }) => {
      postos.apply(event, JSON.parse(data));
      if (event === "servidor") notices.servidorChanged();
      show();
    },
    onLive: (isLive, heard) => {
      live.set(isLive, heard);
      if (!isLive) return;
      postos.expectEstados();
      notices.ask();
      // What failed while nothing came may succeed now, and what was true then may be so no longer.
      if (wasLive || estimate.hasFailed) estimateLater();
      wasLive = true;
    },
  });
}

/** Shows what has changed. */
function show() {
  notices.render();
  live.setAway(notices.isBrokerAway);
  const servidor = postos.servidores.get(server_id);
  const posto = postos.find(server_id, posto_id);
  if (posto && posto !== shown) {
    showPosto(article, posto);
    setText(heading, posto.nome);
    estimateLater();
  }
  showPlace();
  shown = posto;
  const isGone = servidor?.isOnline === true && servidor.isListed && !posto;
  if (isGone && stateField) {
    article.dataset.state = "unreachable";
    setText(stateField, text("posto.gone"));
  }
  notFree.hidden = !posto || posto.state !== "taken" && posto.state !== "maintenance";
}

/** What many pages ask for at the same event, they do not ask for in the same moment. */
function estimateLater() {
  setTimeout(estimate.updateSoon, Math.random() * MAX_DELAY);
}

function showPlace() {
  const posto = postos.find(server_id, posto_id);
  const position = knownPosition();
  if (posto) showDistance(article, position ? kilometres(position, posto) : NaN);
}
