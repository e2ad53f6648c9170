// The page of all postos.
import { call } from "./api.js";
import { Cards } from "./cards.js";
import { byId, debounced, element, setText } from "./dom.js";
import { integer } from "./format.js";
import { connectorKey, isSameConnector, matches, ordered, readFilters, writeFilters } from "./filters.js";
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
const before = element("button", { type: "button", hidden: true, text: text("list.before"), onclick: showFirst });
/** A posto that the map leads to, wherever it is in the list. */
let wanted = "";
const clear = form.querySelector('a[href="./"]') ?? element("a", { class: "button", href: "./", text: text("list.clear") });
const map = new PostoMap(byId("map"), { onChoose: (posto) => leadTo(posto.key) });

const mine = showMine(postos);

let filters = readFilters(new URLSearchParams(location.search));
let position = knownPosition();
/** Whether the postos of all servidores are known, and not only those of this HTML. */
let isLoaded = false;
/** How many pages of the list are shown, from that of the address on. */
let shownPages = 1;
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
  byId("postos").before(before);
  byId("postos").after(more);
  addEventListener("pageshow", (event) => event.persisted && writeForm());
  // What lost its place because it had the focus finds it again.
  byId("postos").addEventListener("focusout", renderSoon);
  // Not while somebody reads the list: it would be in another order of a sudden.
  document.addEventListener("visibilitychange", () => document.hidden || agePosition());
  registerWorker();
  follow();
  if (filters.ordem === "distancia" && !position) setText(note, text("position.needed"));
  map.show(postos.all(), position);
}

function follow() {
  new Stream("eventos", {
    onEvent: ({ event, data }) => {
      const changed = JSON.parse(data);
      postos.apply(event, changed);
      isLoaded = true;
      if (event === "posto") mine.postoChanged(changed.server_id, changed.posto_id);
      if (event === "servidor") notices.servidorChanged();
      renderSoon();
    },
    onLive: (isLive, heard) => {
      live.set(isLive, heard);
      if (!isLive) return;
      postos.expectEstados();
      notices.ask();
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
  // Until then the HTML is what is known, with its links to the other pages.
  if (!isLoaded) return;
  document.querySelector("main nav")?.remove();
  const all = postos.all();
  const fitting = all.filter((posto) => matches(posto, filters));
  const focused = cards.focused();
  const kept = all.filter((posto) => posto.key === focused && !fitting.includes(posto));
  const inOrder = ordered([...fitting, ...kept], filters.ordem, distanceTo);
  const first = PAGE * (Math.min(page(), Math.ceil(inOrder.length / PAGE) || 1) - 1);
  const end = first + PAGE * shownPages;
  const shown = inOrder.filter(({ key }, index) => (index >= first && index < end) || key === focused || key === wanted);
  cards.show(shown, distanceTo);
  if (focused && !cards.focused()) byId("main").focus({ preventScroll: true });
  before.hidden = first === 0;
  more.hidden = inOrder.length <= end;
  setText(more, text("list.more", { left: integer(inOrder.length - end) }));
  updateOptions(all);
  count.setAttribute("aria-live", announce ? "polite" : "off");
  setText(count, countText(all.length, fitting));
  clear.toggleAttribute("hidden", writeFilters({ ...filters, ordem: "", pagina: "" }) === "");
  near.setAttribute("aria-pressed", String(filters.ordem === "distancia" && position !== null));
  map.show(fitting, position);
}

/** @param {number} all @param {import("./postos.js").Posto[]} fitting */
function countText(all, fitting) {
  // Where somebody could not be asked, nobody knows, and a notice says why.
  if (all === 0) return notices.isBrokerAway || !postos.isComplete() ? "" : text("list.none");
  if (fitting.length === 0) return text("list.none_fits");
  const free = fitting.filter(({ state }) => state === "free").length;
  return `${counted("list.postos", fitting.length)}, ${counted("list.free", free)}`;
}

const page = () => Math.max(1, Math.floor(Number(filters.pagina)) || 1);

function showMore() {
  const known = byId("postos").childElementCount;
  shownPages += 1;
  render();
  // The first that is new, for those who go on by keyboard.
  const next = byId("postos").children[known]?.querySelector("a");
  if (next instanceof HTMLElement) next.focus();
}

function showFirst() {
  filters = { ...filters, pagina: "" };
  apply();
  byId("postos").querySelector("a")?.focus();
}

function readForm() {
  const typed = readFilters(new FormData(form));
  if (writeFilters({ ...typed, pagina: filters.pagina }) === writeFilters(filters)) return;
  const choseDistance = typed.ordem === "distancia" && filters.ordem !== "distancia";
  filters = { ...typed, pagina: "" };
  if (choseDistance && !position) orderByDistance();
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
  const isSame = select.name === "tipo_conector" ? isSameConnector : Object.is;
  const known = [...select.options].find((option) => isSame(option.value, value));
  if (known) known.selected = true;
  else if (select.name !== "ordem" && value !== "") select.append(element("option", { value, translate: "no", text: value, selected: true }));
  else select.selectedIndex = 0;
}

/** Shows what the filters say, and puts it into the address, so that the view can be shared. */
function apply() {
  const address = location.pathname + writeFilters(filters);
  if (!isLoaded) {
    // Where no events come, the server answers it.
    location.assign(address);
    return;
  }
  shownPages = 1;
  wanted = "";
  history.replaceState(null, "", address);
  render({ announce: true });
}

/** Connectors and servidores that were not there when the page was made. */
function updateOptions(/** @type {import("./postos.js").Posto[]} */ all) {
  addOptions("tipo_conector", new Set(all.map(({ connector }) => connector)), connectorKey);
  addOptions("server_id", new Set(postos.servidores.keys()), String);
}

/** @param {string} name @param {Set<string>} values @param {(value: string) => string} keyOf Equal for what is the same. */
function addOptions(name, values, keyOf) {
  const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
  const known = new Set([...select.options].map(({ value }) => keyOf(value)));
  for (const value of [...values].sort()) {
    if (known.has(keyOf(value))) continue;
    known.add(keyOf(value));
    select.append(element("option", { value, translate: "no", text: value }));
  }
}

/** The position, or `null` after the page has said why there is none. */
async function findPosition() {
  setText(note, text("position.asking"));
  try {
    position = await askPosition();
    setText(note, "");
  } catch (reason) {
    // One of a short while ago is better than none.
    position = knownPosition();
    setText(note, position ? "" : text(`position.${reason}`));
  }
  return position;
}

/** Where the driver was a while ago is not where they are. */
function agePosition() {
  if (!position || knownPosition()) return;
  position = null;
  if (filters.ordem === "distancia") setText(note, text("position.needed"));
  renderSoon();
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
  // A page that is loaded anew would not say why there is no position.
  if (found || isLoaded) apply();
}

async function goToNearest() {
  if (!(await findPosition())) {
    render();
    return;
  }
  if (!(await load())) {
    setText(note, text("error.network"));
    return;
  }
  const free = postos.all().filter((posto) => matches(posto, { ...filters, disponivel: "true" }));
  const [first] = ordered(free, "distancia", distanceTo);
  if (first && !Number.isNaN(distanceTo(first))) location.assign(postoLink(first));
  else setText(note, text("nearest.none"));
  render();
}

/** Whether all postos are known; where events do not come they are asked for. */
async function load() {
  if (isLoaded) return true;
  const answer = await call("servidores").catch(() => null);
  const online = (answer?.servidores ?? []).filter((/** @type {any} */ { status }) => status === "online");
  await Promise.all(online.map(async (/** @type {any} */ { server_id, status }) => {
    const listed = await call(`postos?server_id=${encodeURIComponent(server_id)}`).catch(() => null);
    if (listed) postos.apply("estado", { server_id, status, postos: listed.postos });
  }));
  return answer !== null;
}

/** Leads from a point of the map to the card of its posto. */
function leadTo(/** @type {string} */ key) {
  wanted = key;
  render();
  cards.focus(key);
}
