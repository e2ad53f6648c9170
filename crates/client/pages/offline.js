// What is shown where there is no network: the reservas of this device as they were last seen.
import { call } from "./api.js";
import { byId, setText } from "./dom.js";
import { keptReservas } from "./kept.js";
import { reservaItem, showReserva } from "./mine_item.js";
import { text } from "./texts.js";

const RETRY = 10_000;
const TICK = 1000;

// The service worker shows this page at the address of the one that could not be loaded.
const isItself = location.pathname.endsWith("/offline");
const again = () => (isItself ? location.assign("./") : location.reload());

start();

function start() {
  sayWhy();
  const list = byId("mine-list");
  const shown = keptReservas().map((reserva) => ({ reserva, item: reservaItem() }));
  list.append(...shown.map(({ item }) => item));
  // Time alone begins and ends them.
  const show = () => shown.forEach(({ reserva, item }) => showReserva(item, reserva));
  show();
  setInterval(() => document.hidden || show(), TICK);
  byId("mine").hidden = list.childElementCount === 0;
  byId("retry").addEventListener("click", (event) => {
    event.preventDefault();
    again();
  });
  addEventListener("online", tryAgain);
  document.addEventListener("visibilitychange", tryAgain);
  // The gateway may be what is away, of which the browser knows nothing.
  setInterval(tryAgain, RETRY);
}

/** The page says that the device has no network. If it has, the gateway is what is away. */
function sayWhy() {
  if (navigator.onLine === false) return;
  const heading = document.querySelector("h1");
  if (heading) setText(heading, text("offline.title"));
  if (heading?.nextElementSibling) setText(heading.nextElementSibling, text("offline.explain"));
}

async function tryAgain() {
  if (document.hidden) return;
  const isBack = await call("healthz").then(() => true, () => false);
  if (isBack) again();
}
