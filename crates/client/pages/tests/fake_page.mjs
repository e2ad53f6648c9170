// As much of a page as modules need that make elements.

export class FakeElement {
  constructor(name) {
    this.localName = name;
    this.dataset = {};
    this.attributes = new Map();
    this.listeners = new Map();
    this.children = [];
    this.text = "";
    this.isConnected = true;
  }

  get textContent() { return this.text + this.children.map(({ textContent }) => textContent).join(""); }
  set textContent(text) {
    this.text = text;
    this.children = [];
  }
  setAttribute(name, value) { this.attributes.set(name, value); }
  removeAttribute(name) { this.attributes.delete(name); }
  addEventListener(name, listener) { this.listeners.set(name, listener); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) {
    this.text = "";
    this.children = children;
  }
  remove() { this.isConnected = false; }
  querySelector() { return null; }
}

/** Makes a page with these elements, by their ids, and these texts. */
export function fakePage(elements = {}, texts = {}) {
  const listeners = new Map();
  const script = Object.assign(new FakeElement("script"), { textContent: JSON.stringify(texts) });
  globalThis.document = {
    hidden: false,
    documentElement: { lang: "pt-BR" },
    getElementById: (id) => (id === "texts" ? script : elements[id] ?? null),
    createElement: (name) => new FakeElement(name),
    createElementNS: (_, name) => new FakeElement(name),
    addEventListener: (name, listener) => listeners.set(name, listener),
  };
  globalThis.addEventListener = (name, listener) => listeners.set(name, listener);
  return listeners;
}

/** A clock that goes on only when it is told to, with the timers of the page. */
export function fakeClock(t, start) {
  let [now, ids] = [start, 0];
  const timers = new Map();
  const set = (isRepeated) => (run, wait = 0) => {
    ids += 1;
    timers.set(ids, { run, at: now + wait, every: isRepeated ? wait : 0 });
    return ids;
  };
  t.mock.method(Date, "now", () => now);
  t.mock.method(globalThis, "setTimeout", set(false));
  t.mock.method(globalThis, "setInterval", set(true));
  t.mock.method(globalThis, "clearTimeout", (id) => timers.delete(id));
  return {
    set: (time) => { now = time; },
    tick: (millis) => {
      const end = now + millis;
      for (;;) {
        const [id, next] = [...timers].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
        if (!next || next.at > end) break;
        now = next.at;
        if (next.every) timers.set(id, { ...next, at: now + next.every });
        else timers.delete(id);
        next.run();
      }
      now = end;
    },
  };
}
