// The operator's page: which view is shown, and who uses it.
import * as agora from "./agora.js";
import * as arquivos from "./arquivos.js";
import * as auditoria from "./auditoria.js";
import { byId, setText } from "./dom.js";
import { forget } from "./facts.js";
import * as hoje from "./hoje.js";
import * as numeros from "./numeros.js";
import { hasToken, isKnown, mayWrite, onChange, signIn, signOut } from "./session.js";
import { text } from "./texts.js";
import * as tokens from "./tokens.js";

/** @type {Record<string, { show?: (parameters: URLSearchParams) => unknown, hide?: () => void }>} */
const VIEWS = { agora: {}, hoje, numeros, auditoria, arquivos, tokens };

let shown = "";
/** Of the address of the view that is shown. */
let parameters = new URLSearchParams();
let wasKnown = false;
/** Whether what is shown was emptied, since the caller that it was shown to is known no more. */
let isEmptied = false;

/** Shows the view that the address names. Its heading gets the focus, but not when the page is opened. */
function showView(isFirst = false) {
  const [asked, search] = location.hash.slice(1).split("?");
  const isView = Object.hasOwn(VIEWS, asked);
  // A link to a place in the view that is shown, as the first of the page is.
  if (!isView && asked !== "" && shown !== "") return;
  const name = isView ? asked : "agora";
  const isNew = name !== shown;
  if (isNew) VIEWS[shown]?.hide?.();
  shown = name;
  for (const section of document.querySelectorAll("[data-view]")) {
    /** @type {HTMLElement} */ (section).hidden = section.getAttribute("data-view") !== name;
  }
  for (const link of byId("views").querySelectorAll("a")) {
    const isCurrent = link.hash === `#${name}`;
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    // On a phone not all of them are seen.
    if (isCurrent) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  const heading = /** @type {HTMLElement} */ (byId(`view-${name}`).querySelector("h1"));
  const server = document.body.dataset.servidor ?? "";
  document.title = `${heading.textContent} · ${server}`;
  if (isNew && !isFirst) {
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  parameters = new URLSearchParams(search ?? "");
  fill();
  agora.render();
}

/** Asks for what the view shows. */
function fill() {
  isEmptied = false;
  VIEWS[shown].show?.(parameters);
}

/** A link to the address that is shown changes nothing, so that no view would learn that it was pressed. */
function pressedAgain(/** @type {MouseEvent} */ event) {
  const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  const link = /** @type {Element} */ (event.target).closest("a");
  if (link?.href === location.href && !isElsewhere) again();
}

function again() {
  agora.refresh();
  showView(true);
}

function showCaller() {
  for (const part of document.querySelectorAll("[data-operators]")) /** @type {HTMLElement} */ (part).hidden = !mayWrite();
  byId("sign-out").hidden = !hasToken();
  byId("sign-in-again").hidden = hasToken() || isKnown();
  setText(byId("role"), isKnown() && !mayWrite() ? text("role.leitura") : "");
  if (!isKnown()) {
    forget();
    hoje.forget();
    numeros.forget();
    for (const id of ["auditoria-list", "auditoria-more", "token-made", "token-list"]) byId(id).replaceChildren();
    isEmptied ||= wasKnown;
  }
  wasKnown = isKnown();
  agora.render();
  hoje.render();
  if (isKnown() && isEmptied) fill();
}

function start() {
  byId("views").hidden = false;
  byId("sign-in").querySelector("[data-close]")?.addEventListener("click", () => {
    /** @type {HTMLDialogElement} */ (byId("sign-in")).close();
  });
  byId("sign-out").addEventListener("click", () => signOut().then(again));
  byId("sign-in-again").addEventListener("click", () => signIn().then(again));
  onChange(showCaller);
  auditoria.start();
  hoje.start();
  arquivos.start();
  tokens.start();
  agora.start();
  addEventListener("hashchange", () => showView());
  for (const id of ["views", "periods"]) byId(id).addEventListener("click", pressedAgain);
  showView(true);
}

start();
