// The page of all postos.
import { call } from "./api.js";
import { Cards } from "./cards.js";
import { byId, debounced, element, setText } from "./dom.js";
import { integer } from "./format.js";
import { matches, ordered, readFilters, writeFilters } from "./filters.js";
import { Live } from "./live.js";
import { PostoMap } from "./map.js";
import { showMine } from "./mine.js";
import { Notices } from "./notices.js";
import { askPosition, kilometres, knownPosition } from "./position.js";
import { Postos } from "./postos.js";
import { postoLink } from "./links.js";
import { Stream } from "./stream.js";
import { counted, text } from "./texts.js";
import { registerWorker } from "./worker.js";

/** How many postos one page of the list has, as on the server. */
const PAGE = 200;
/** Events that come together are shown together. */
const LINGER = 50;

const form = /** @type {HTMLFormElement} */ (byId("filters"));
const cards = new Cards(byId("postos"), /** @type {HTMLTemplateElement} */ (byId("posto-template")));
const postos = new Postos();
const live = new Live();
const notices = new Notices(postos, { onChange: () => renderSoon() });
const count = byId("count");
const near = /** @type {HTMLButtonElement} */ (byId("near"));
const nearest = /** @type {HTMLButtonElement} */ (byId("nearest"));
const note = element("p", { id: "position-note", class: "quiet", role: "status" });
const more = element("button", { type: "button", hidden: true, onclick: showMore });
const clear = form.querySelector('a[href="./"]') ?? element("a", { class: "button", href: "./", text: text("list.clear") });
const map = new PostoMap(byId("map"), { onChoose: (posto) => leadTo(posto.key) });

let filters = readFilters(new URLSearchParams(location.search));
let position = knownPosition();
let isLoaded = false;
let isTouched = false;
let timer = 0;

const distanceTo = (/** @type {import("./postos.js").Posto} */ posto) => (position ? kilometres(position, posto) : NaN);

start();

function start() {
  for (const posto of cards.postos()) postos.add(posto);
  // Browsers restore what was typed before; the address says what is shown.
  writeForm();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    readForm();
  });
  form.addEventListener("change", readForm);
  form.addEventListener("input", debounced(300, readForm));
  // Filters apply as they are chosen.
  form.querySelector('[type="submit"]')?.setAttribute("hidden", "");
  near.hidden = false;
  nearest.hidden = false;
  near.addEventListener("click", toggleNear);
  nearest.addEventListener("click", goToNearest);
  near.before(nearest);
  near.after(clear);
  near.closest(".row")?.after(note);
  document.querySelector("main nav")?.remove();
  byId("postos").after(more);
  addEventListener("pageshow", (event) => event.persisted && writeForm());
  // What lost its place because it had the focus finds it again.
  byId("postos").addEventListener("focusout", renderSoon);
  showMine(postos);
  registerWorker();
  follow();
  if (filters.ordem === "distancia" && !position) setText(note, text("position.needed"));
  map.show(postos.all(), position);
  if (position) renderSoon();
}

function follow() {
  new Stream("eventos", {
    onEvent: ({ event, data }) => {
      postos.apply(event, JSON.parse(data));
      isLoaded = true;
      if (event === "servidor") notices.servidorChanged();
      renderSoon();
    },
    onLive: (isLive) => {
      live.set(isLive);
      if (isLive) notices.ask();
    },
  });
}

/** Shows what has changed; what the driver asked for is also said aloud. */
function renderSoon() {
  if (timer) return;
  timer = setTimeout(() => render(), LINGER);
}

function render({ announce = false } = {}) {
  clearTimeout(timer);
  timer = 0;
  notices.render();
  live.setAway(notices.isBrokerAway);
  // Without the first events only the postos of one page of the HTML are known.
  if (!isLoaded && !isTouched && !position) return;
  const all = postos.all();
  const fitting = all.filter((posto) => matches(posto, filters));
  const focused = cards.focused();
  const kept = all.filter((posto) => posto.key === focused && !fitting.includes(posto));
  const inOrder = ordered([...fitting, ...kept], filters.ordem, distanceTo);
  const limit = PAGE * page();
  const shown = inOrder.filter((posto, index) => index < limit || posto.key === focused);
  cards.show(shown, distanceTo);
  if (focused && !cards.focused()) byId("main").focus({ preventScroll: true });
  more.hidden = inOrder.length <= limit;
  setText(more, text("list.more", { left: integer(inOrder.length - limit) }));
  updateOptions(all);
  count.setAttribute("aria-live", announce ? "polite" : "off");
  setText(count, countText(all.length, fitting));
  clear.toggleAttribute("hidden", writeFilters({ ...filters, ordem: "", pagina: "" }) === "");
  near.setAttribute("aria-pressed", String(filters.ordem === "distancia" && position !== null));
  map.show(fitting, position);
}

/** @param {number} all @param {import("./postos.js").Posto[]} fitting */
function countText(all, fitting) {
  if (all === 0) return text("list.none");
  if (fitting.length === 0) return text("list.none_fits");
  const free = fitting.filter(({ state }) => state === "free").length;
  return `${counted("list.postos", fitting.length)}, ${counted("list.free", free)}`;
}

const page = () => Math.max(1, Math.floor(Number(filters.pagina)) || 1);

function showMore() {
  filters = { ...filters, pagina: String(page() + 1) };
  const before = byId("postos").childElementCount;
  apply();
  // The first that is new, for those who go on by keyboard.
  const next = byId("postos").children[before]?.querySelector("a");
  if (next instanceof HTMLElement) next.focus();
}

function readForm() {
  const typed = readFilters(new FormData(form));
  if (writeFilters({ ...typed, pagina: filters.pagina }) === writeFilters(filters)) return;
  filters = { ...typed, pagina: "" };
  if (filters.ordem === "distancia" && !position) orderByDistance();
  else apply();
}

function writeForm() {
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = filters.disponivel === "true";
    else if (field instanceof HTMLInputElement) field.value = /** @type {any} */ (filters)[field.name] ?? "";
    else if (field instanceof HTMLSelectElement) choose(field, /** @type {any} */ (filters)[field.name] ?? "");
  }
}

/** Chooses this value, which may be of a posto that is not known yet. */
function choose(/** @type {HTMLSelectElement} */ select, /** @type {string} */ value) {
  const isKnown = [...select.options].some((option) => option.value === value);
  if (isKnown) select.value = value;
  else if (select.name !== "ordem" && value !== "") select.append(element("option", { text: value, selected: true }));
  else select.selectedIndex = 0;
}

/** Shows what the filters say, and puts it into the address, so that the view can be shared. */
function apply() {
  isTouched = true;
  history.replaceState(null, "", location.pathname + writeFilters(filters));
  render({ announce: true });
}

/** Connectors and servidores that were not there when the page was made. */
function updateOptions(/** @type {import("./postos.js").Posto[]} */ all) {
  addOptions("tipo_conector", new Set(all.map(({ connector }) => connector)));
  addOptions("server_id", new Set(postos.servidores.keys()));
}

/** @param {string} name @param {Set<string>} values */
function addOptions(name, values) {
  const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
  for (const option of select.options) values.delete(option.value);
  for (const value of [...values].sort()) select.append(element("option", { text: value }));
}

/** The position, or `null` after the page has said why there is none. */
async function findPosition() {
  setText(note, text("position.asking"));
  try {
    position = await askPosition();
    setText(note, "");
  } catch (reason) {
    position = null;
    setText(note, text(`position.${reason}`));
  }
  return position;
}

function toggleNear() {
  if (near.getAttribute("aria-pressed") !== "true") {
    orderByDistance();
    return;
  }
  filters = { ...filters, ordem: "", pagina: "" };
  writeForm();
  apply();
}

async function orderByDistance() {
  const found = await findPosition();
  filters = { ...filters, ordem: found ? "distancia" : "nome", pagina: "" };
  writeForm();
  apply();
}

async function goToNearest() {
  if (!(await findPosition())) {
    render();
    return;
  }
  await loaded();
  const free = postos.all().filter((posto) => matches(posto, { ...filters, disponivel: "true" }));
  const [first] = ordered(free, "distancia", distanceTo);
  if (first && !Number.isNaN(distanceTo(first))) location.assign(postoLink(first));
  else setText(note, text("nearest.none"));
  render();
}

/** Waits until all postos are known; where events do not come they are asked for. */
async function loaded() {
  if (isLoaded) return;
  const { servidores } = await call("servidores").catch(() => ({ servidores: [] }));
  const online = servidores.filter((/** @type {any} */ { status }) => status === "online");
  await Promise.all(online.map(async (/** @type {any} */ { server_id, status }) => {
    const listed = await call(`postos?server_id=${encodeURIComponent(server_id)}`).catch(() => null);
    if (listed) postos.apply("estado", { server_id, status, postos: listed.postos });
  }));
}

/** Leads from a point of the map to the card of its posto. */
function leadTo(/** @type {string} */ key) {
  if (cards.focus(key)) return;
  // It is on a later page of the list.
  const index = ordered(postos.all().filter((posto) => matches(posto, filters)), filters.ordem, distanceTo)
    .findIndex((posto) => posto.key === key);
  filters = { ...filters, pagina: String(Math.floor(index / PAGE) + 1) };
  apply();
  cards.focus(key);
}
