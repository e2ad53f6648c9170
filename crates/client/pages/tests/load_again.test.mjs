import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

const source = readFileSync(new URL("../../../service/src/http/pages/load_again.js", import.meta.url), "utf8");

/** A page with one module, and what the script does in it. */
function open({ readyState = "interactive" } = {}) {
  const listeners = new Map();
  const heard = (name, listener) => listeners.set(name, listener);
  const timers = [];
  class HTMLScriptElement {
    localName = "script";
    attributes = [{ name: "type", value: "module" }];
    setAttribute() {}
    replaceWith(next) { page.script = next; }
  }
  const page = { listeners, timers, script: Object.assign(new HTMLScriptElement(), { src: "http://host/static/0123/list.js" }) };
  page.document = {
    readyState,
    createElement: () => new HTMLScriptElement(),
    querySelector: () => page.script,
    addEventListener: heard,
  };
  const context = createContext({
    document: page.document,
    HTMLScriptElement,
    HTMLLinkElement: class {},
    addEventListener: heard,
    removeEventListener: (name) => listeners.delete(name),
    setTimeout: (run, wait) => timers.push({ run, wait }),
    clearTimeout: () => {},
  });
  runInContext(source, context);
  page.fail = () => listeners.get("error")({ target: page.script });
  /** An error that the page reports, made where its scripts run. */
  page.report = (message, filename) => {
    const error = runInContext(`new SyntaxError(${JSON.stringify(message)})`, context);
    listeners.get("error")({ target: context, error, filename });
  };
  return page;
}

test("what could not be loaded is asked for under another name, after longer and longer waits", () => {
  const page = open();
  const asked = new Set([page.script.src]);
  for (const wait of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    page.fail();
    const timer = page.timers.pop();
    assert.equal(timer.wait, wait);
    timer.run();
    assert.match(page.script.src, /^http:\/\/host\/static\/again-\d+-\d{13}\/list\.js$/);
    assert.ok(!asked.has(page.script.src));
    asked.add(page.script.src);
  }
});

test("a module waits for the HTML, because it reads it at once", () => {
  const page = open({ readyState: "loading" });
  const { script } = page;
  page.fail();
  page.timers.pop().run();
  assert.equal(page.script, script);
  page.document.readyState = "interactive";
  page.listeners.get("readystatechange")();
  assert.match(page.script.src, /\/again-1-/);
});

test("a network that is back ends the wait, once", () => {
  const page = open();
  page.fail();
  page.listeners.get("online")();
  assert.match(page.script.src, /\/again-1-/);
  assert.equal(page.listeners.has("online"), false);
});

test("modules of two versions are loaded again, and a page that runs is not", () => {
  const page = open();
  page.report("Unexpected token 'e', \"export\" is not valid JSON", "http://host/static/0123/stream.js");
  page.report("The requested module './a.js' does not provide an export named 'b'", "http://host/other.js");
  assert.equal(page.timers.length, 0);
  // Safari names no file.
  for (const [message, file] of [
    ["The requested module './a.js' does not provide an export named 'b'", "http://host/static/0123/list.js"],
    ["Importing binding name 'b' is not found.", ""],
  ]) {
    page.report(message, file);
    page.timers.pop().run();
  }
  assert.match(page.script.src, /\/again-2-/);
});

test("the script does not end the element that it is written into", () => {
  assert.doesNotMatch(source, /<\/script|<!--/i);
});
