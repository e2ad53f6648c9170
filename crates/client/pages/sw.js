// The service worker: pages come from the network, and one that says so is shown where there is none.
// Data of the API is never kept, nor any page that shows it. Answers at `sw.js`, beside the pages, where
// the server puts the path of the assets, `static/{hash}`, in place of the name between the quotes.
const ASSETS = "ASSETS_PATH";

/** Several programs may be behind one origin, each with a worker of its own. */
const OWN_CACHES = `postos ${self.registration.scope} `;
const CACHE = `${OWN_CACHES}${ASSETS}`;
const PAGES = ["", "posto", "reserva", "offline"];
const OFFLINE = "offline";
/** A network may be connected and carry nothing. The gateway answers after 10 s by itself. */
const PATIENCE = 12_000;
/** What answers vary by, such as the language, was chosen when they were put there. */
const MATCH = { cacheName: CACHE, ignoreVary: true };
/** All that the page without network loads. */
const FILES = [
  "base.css", "drivers.css", "icon.svg", "offline.js", "api.js", "dom.js", "format.js", "kept.js",
  "device.js", "links.js", "mine_item.js", "status.js", "texts.js",
];

const here = (/** @type {string} */ path) => new URL(path, self.registration.scope).href;

self.addEventListener("install", (event) => {
  event.waitUntil(prepare());
});

async function prepare() {
  const offline = fetchOwn(OFFLINE, async (answer) => (await answer.clone().text()).includes(`${ASSETS}/`));
  // A program of another version gives its own file under this name, for no cache to keep.
  const isOfNow = (/** @type {Response} */ answer) => !/\bno-cache\b/.test(answer.headers.get("cache-control") ?? "");
  const files = FILES.map((name) => fetchOwn(`${ASSETS}/${name}`, isOfNow));
  const fetched = await Promise.all([offline, ...files]);
  const cache = await caches.open(CACHE);
  await Promise.all(fetched.map(({ address, answer }) => cache.put(address, answer)));
  // The one before knows nothing of this version.
  await self.skipWaiting();
}

/**
 * Fetches what is of this version. In the middle of an upgrade the installation fails, and the browser
 * tries again when a page is opened.
 * @param {string} path @param {(answer: Response) => boolean | Promise<boolean>} isOwn
 */
async function fetchOwn(path, isOwn) {
  const address = here(path);
  const answer = await fetch(address);
  if (!answer.ok || !(await isOwn(answer))) throw new Error(`${path}: ${answer.status}, not of this version`);
  return { address, answer };
}

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  const old = (await caches.keys()).filter((name) => name.startsWith(OWN_CACHES) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && isPage(request.url)) event.respondWith(page(request));
  else if (request.url.startsWith(here(`${ASSETS}/`))) event.respondWith(asset(request));
});

/** Whether this is the address of a page, and not of the API or of its documents. */
function isPage(/** @type {string} */ address) {
  const { origin, pathname } = new URL(address);
  return PAGES.some((name) => here(name) === `${origin}${pathname}`);
}

/** @param {Request} request */
async function page(request) {
  try {
    const fetched = fetch(request);
    const response = await Promise.race([fetched, late(fetched)]);
    return isOfProxy(response) ? (await offline()) ?? response : response;
  } catch (error) {
    const kept = await offline();
    if (kept) return kept;
    throw error;
  }
}

/** The page without network after a while, where it is kept. @param {Promise<Response>} fetched */
async function late(fetched) {
  await new Promise((resume) => setTimeout(resume, PATIENCE));
  return (await offline()) ?? fetched;
}

/** @returns {Promise<Response | undefined>} The page without network, which tries again by itself. */
const offline = () => caches.match(here(OFFLINE), MATCH);

/** Whether a proxy says that it has no answer, as while the gateway restarts: the gateway's pages name their language. */
function isOfProxy(/** @type {Response} */ { status, headers }) {
  const isPassing = status === 429 || status >= 500;
  return isPassing && !headers.has("content-language");
}

/** Only what was put there at installation, which is of this version. @param {Request} request */
async function asset(request) {
  const kept = await caches.match(request, MATCH);
  return kept ?? fetch(request);
}
