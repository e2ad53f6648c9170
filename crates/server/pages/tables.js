// Tables that scroll inside themselves, by keyboard too.
import { element } from "./dom.js";

/**
 * @param {string} caption
 * @param {{ head: string, isNumber?: boolean }[]} columns
 * @param {(string | Node | null)[][]} rows
 */
export function table(caption, columns, rows) {
  const cell = (/** @type {string | Node | null} */ content, /** @type {number} */ at) =>
    element(at === 0 ? "th" : "td", { scope: at === 0 ? "row" : null, class: columns[at].isNumber ? "number" : null }, content);
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {},
      element("caption", { class: "visually-hidden", text: caption }),
      element("thead", {}, element("tr", {}, ...columns.map(({ head, isNumber }) =>
        element("th", { scope: "col", class: isNumber ? "number" : null, text: head })))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell))))));
}
