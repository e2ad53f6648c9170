// The cards of the list. They are changed in place: what has the focus keeps it, and stays where it is.
import { setText } from "./dom.js";
import { postoLink } from "./links.js";
import { keyOf } from "./postos.js";
import { readPosto, showDistance, showPosto } from "./posto_view.js";

/** @typedef {import("./postos.js").Posto} Posto */

export class Cards {
  /** @param {HTMLElement} list @param {HTMLTemplateElement} template */
  constructor(list, template) {
    this.list = list;
    this.template = template;
    /** @type {Map<string, { item: HTMLElement, posto: Posto, distance: number }>} */
    this.cards = new Map();
    for (const item of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(":scope > li.posto"))) {
      const posto = readPosto(item);
      this.cards.set(posto.key, { item, posto, distance: NaN });
    }
  }

  /** The postos that the HTML shows. */
  postos() {
    return [...this.cards.values()].map(({ posto }) => posto);
  }

  /** The key of the posto whose card has the focus. */
  focused() {
    const item = document.activeElement?.closest("li.posto");
    if (!(item instanceof HTMLElement) || item.parentElement !== this.list) return undefined;
    return keyOf(item.dataset.serverId ?? "", Number(item.dataset.postoId));
  }

  /** Leads to the card of this posto; false if it is not shown. */
  focus(/** @type {string} */ key) {
    const link = this.cards.get(key)?.item.querySelector("a");
    link?.focus();
    return Boolean(link);
  }

  /** Shows these and no others, in this order. */
  show(/** @type {Posto[]} */ postos, /** @type {(posto: Posto) => number} */ distanceTo) {
    const items = postos.map((posto) => this.item(posto, distanceTo(posto)));
    const focused = items.find((item) => item.contains(document.activeElement));
    let next = this.list.firstElementChild;
    for (const item of items) {
      // What has the focus would lose it if it were moved; the others go around it.
      while (item === focused && next && next !== item) next = removed(next);
      if (item === next) next = next.nextElementSibling;
      else this.list.insertBefore(item, next);
    }
    while (next) next = removed(next);
    const shown = new Set(postos.map(({ key }) => key));
    for (const key of this.cards.keys()) {
      if (!shown.has(key)) this.cards.delete(key);
    }
  }

  /** @param {Posto} posto @param {number} distance */
  item(posto, distance) {
    let card = this.cards.get(posto.key);
    if (!card) {
      const item = /** @type {HTMLElement} */ (this.template.content.firstElementChild?.cloneNode(true));
      card = { item, posto, distance: NaN };
      this.cards.set(posto.key, card);
      this.fill(item, posto);
      showDistance(item, distance);
    } else if (card.posto !== posto) {
      this.fill(card.item, posto);
    }
    if (!Object.is(card.distance, distance)) showDistance(card.item, distance);
    Object.assign(card, { posto, distance });
    return card.item;
  }

  /** @param {HTMLElement} item @param {Posto} posto */
  fill(item, posto) {
    showPosto(item, posto);
    const link = item.querySelector("h3 > a");
    if (!link) return;
    setText(link, posto.nome);
    link.setAttribute("href", postoLink(posto));
  }
}

/** Removes an element, and returns the one after it. */
function removed(/** @type {Element} */ element) {
  const next = element.nextElementSibling;
  element.remove();
  return next;
}
