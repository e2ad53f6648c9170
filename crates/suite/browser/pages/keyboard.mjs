// A person who has no pointer: presses keys only, and must see at each step where the focus is.
import { expect, until } from "./until.mjs";

// Runs in the page: what has the focus, and whether it can be seen.
function focused() {
  const at = document.activeElement;
  if (!at || at === document.body) return { name: "", seen: true, tag: "body" };
  const box = at.getBoundingClientRect();
  const [x, y] = [box.left + Math.min(box.width, innerWidth) / 2, box.top + Math.min(box.height, innerHeight) / 2];
  const inView = box.width > 0 && box.height > 0 && x >= 0 && y >= 0 && x <= innerWidth && y <= innerHeight;
  const top = inView ? document.elementFromPoint(x, y) : null;
  const covered = inView && top !== null && !at.contains(top) && !top.contains(at);
  const isRinged = (pseudo) => {
    const style = getComputedStyle(at, pseudo);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  // A link that is all of a card shows it around the card.
  const hasRing = isRinged(null) || isRinged("::after");
  // The parts of a date are the browser's own, and it shows which of them has the focus.
  const ring = hasRing || /^date/.test(at.type);
  const name = at.id || at.getAttribute("name") || at.getAttribute("data-field") || at.textContent.trim().slice(0, 40);
  return { name, tag: at.tagName.toLowerCase(), inView, covered, ring, href: at.getAttribute("href") ?? "" };
}

export class Keyboard {
  constructor(page) {
    this.page = page;
    /** The names of what had the focus, in order. */
    this.order = [];
    this.presses = 0;
  }

  async press(key) {
    this.presses += 1;
    await this.page.keyboard.press(key);
  }

  async type(text) {
    this.presses += 1;
    await this.page.keyboard.type(text);
  }

  /** Moves the focus on by one, and checks that it can be seen there. */
  async next(key = "Tab") {
    await this.press(key);
    let at = await this.page.evaluate(focused);
    if (at.tag === "body") return at;
    // The page may scroll there smoothly.
    await until(`the focus on ${at.tag} ${at.name} is seen`, async () => {
      at = await this.page.evaluate(focused);
      return at.inView && !at.covered;
    }, 3000);
    expect(at.ring, `the focus on ${at.tag} ${at.name} has no ring`);
    if (this.order.at(-1) !== at.name) this.order.push(at.name);
    return at;
  }

  /** Presses Tab until `selector` has the focus; returns the names of what had it on the way. */
  async to(selector, { key = "Tab", limit = 60 } = {}) {
    const from = this.order.length;
    for (let presses = 0; presses < limit; presses += 1) {
      await this.next(key);
      const isThere = await this.page.evaluate((wanted) => document.activeElement.matches(wanted), selector);
      if (isThere) return this.order.slice(from);
    }
    throw new Error(`${limit} times ${key} do not lead to ${selector}, but to ${this.order.slice(from).join(", ")}`);
  }

  /** Whether `selector` has the focus now, without a key. */
  async isAt(selector) {
    return this.page.evaluate((wanted) => document.activeElement.matches(wanted), selector);
  }
}
