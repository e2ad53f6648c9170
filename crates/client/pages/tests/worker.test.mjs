import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const folders = ["../", "../../../service/pages/"].map((path) => new URL(path, import.meta.url));
const source = (name) => {
  const found = folders.map((folder) => new URL(name, folder)).find((url) => existsSync(url));
  assert.ok(found, `there is no ${name}`);
  return readFileSync(found, "utf8");
};

/** A module and all that it imports. */
function withImports(name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  for (const [, imported] of source(name).matchAll(/^import .*?from "\.\/(.+?)";$/gms)) withImports(imported, known);
  return known;
}

test("the service worker keeps all that the page without network loads, and no more", () => {
  const [, listed] = source("sw.js").match(/^const FILES = \[(.*?)\];/ms);
  const files = [...listed.matchAll(/"(.+?)"/g)].map(([, name]) => name);
  assert.deepEqual(files.filter((name) => name.endsWith(".js")).sort(), [...withImports("offline.js")].sort());
  for (const name of files.filter((file) => file.endsWith(".css"))) source(name);
});

test("every module is imported by a page", () => {
  const imported = ["list.js", "posto.js", "reserva.js", "offline.js", "error.js"].reduce((known, page) => withImports(page, known), new Set());
  const own = readdirSync(folders[0]).filter((name) => name.endsWith(".js") && name !== "sw.js");
  assert.deepEqual(own.filter((name) => !imported.has(name)), []);
});

test("the server finds the place for the path of the assets", () => {
  assert.equal(source("sw.js").match(/"ASSETS_PATH"/g).length, 1);
});

/** Installs the service worker; returns the addresses of what it then keeps, `null` if that failed. */
async function install(answer) {
  const kept = [];
  let prepared;
  const self = {
    registration: { scope: "http://host/" },
    addEventListener: (name, listener) => name === "install" && listener({ waitUntil: (done) => { prepared = done; } }),
    skipWaiting: async () => {},
  };
  const caches = { open: async () => ({ put: async (address) => kept.push(address) }) };
  runInNewContext(source("sw.js"), { self, caches, URL, fetch: async (address) => answer(address) });
  return prepared.then(() => kept, () => null);
}
const FOREVER = { headers: { "cache-control": "public, max-age=31536000, immutable" } };
const page = () => new Response("<link href=ASSETS_PATH/base.css>", { headers: { "cache-control": "no-cache" } });
const isPage = (address) => address === "http://host/offline";

test("the service worker keeps files of its own version alone", async () => {
  const kept = await install((address) => (isPage(address) ? page() : new Response("", FOREVER)));
  assert.ok(kept.includes("http://host/offline") && kept.includes("http://host/ASSETS_PATH/offline.js"), kept);
  const foreign = (name) => (address) => (
    address.endsWith(name) ? new Response("", { headers: { "cache-control": "no-cache" } })
      : isPage(address) ? page() : new Response("", FOREVER));
  assert.equal(await install(foreign("/dom.js")), null, "a program of another version gives its own file");
  assert.equal(await install(foreign("/offline")), null, "the page of another version names other files");
  assert.equal(await install((address) => (isPage(address) ? page() : new Response("", { ...FOREVER, status: 503 }))), null);
});

const SCOPE = "https://postos.example.com/";

/** What the service worker answers to a page of this address, if the network answers this. */
async function answered(answer, { path = "", kept = "the page without network", isLate = false } = {}) {
  const listeners = {};
  const self = { registration: { scope: SCOPE }, addEventListener: (name, listener) => { listeners[name] = listener; } };
  const caches = { match: async (url) => (url === `${SCOPE}offline` ? kept : undefined) };
  runInNewContext(source("sw.js"), { self, caches, fetch: async () => answer(), URL, setTimeout: (run) => isLate && run() });
  let given;
  const request = { method: "GET", mode: "navigate", url: `${SCOPE}${path}` };
  listeners.fetch({ request, respondWith: (promise) => { given = promise; } });
  return given;
}

test("a page that a proxy has no answer for is the one without network", async () => {
  const json = (status) => new Response("{}", { status, headers: { "content-type": "application/json" } });
  for (const status of [429, 500, 502, 503, 504]) {
    assert.equal(await answered(() => json(status)), "the page without network", String(status));
  }
  assert.equal(await answered(() => new Response("Bad Gateway", { status: 502 })), "the page without network");
  const html = () => new Response("<p>", { status: 504, headers: { "content-type": "text/html" } });
  assert.equal(await answered(html), "the page without network", "a proxy's page");
  assert.equal(await answered(() => { throw new TypeError("no network"); }), "the page without network");
  assert.equal((await answered(() => json(504), { kept: null })).status, 504, "where none is kept");
});

test("a network that carries nothing gives the page without network", async () => {
  const isLate = true;
  assert.equal(await answered(() => new Promise(() => {}), { isLate }), "the page without network");
  const slow = new Response("", { headers: { "content-language": "pt-BR" } });
  const later = () => new Promise((resolve) => { setTimeout(() => resolve(slow), 20); });
  assert.equal(await answered(later, { isLate, kept: null }), slow, "where none is kept, it is waited for");
});

test("what the gateway says of a page is shown as it is", async () => {
  for (const status of [200, 404, 429, 503, 504]) {
    const response = new Response("", { status, headers: { "content-type": "text/html; charset=utf-8", "content-language": "pt-BR" } });
    assert.equal(await answered(() => response), response, String(status));
  }
  const wrong = new Response("{}", { status: 404, headers: { "content-type": "application/json" } });
  assert.equal(await answered(() => wrong), wrong, "nothing that passes");
  const redirected = { status: 0, type: "opaqueredirect", headers: new Headers() };
  assert.equal(await answered(() => redirected), redirected);
  assert.equal(await answered(() => new Response("{}", { status: 504 }), { path: "status" }), undefined, "no page");
});
