// The list of what needs attention, many of one kind folded into one. It is brought up to date in place.
import { inGroups } from "./attention.js";
import { actionFor, describe, describeGroup } from "./attention_texts.js";
import { byId, element, saidIn, setField } from "./dom.js";
import { pressed } from "./dialogs.js";
import { bringUpToDate } from "./lists.js";
import { mayWrite } from "./session.js";

/** @typedef {import("./attention.js").Item} Item */
/** @typedef {import("./attention.js").Group} Group */

/** The kinds that are shown as one. */
let grouped = /** @type {Set<string>} */ (new Set());

/** @param {Item[]} items @param {() => void} done Called when one was acted on. */
export function showAttention(items, done) {
  const shown = inGroups(items, grouped);
  grouped = new Set(shown.flatMap((one) => (one.kind === "group" ? [one.of] : [])));
  const make = (/** @type {Item | Group} */ one) => (one.kind === "group" ? makeGroup() : makeItem());
  bringUpToDate(byId("attention"), shown, ({ key }) => key, make, (made, one) => {
    if (one.kind === "group") updateGroup(made, one, done);
    else updateItem(made, one, done);
  });
}

function makeGroup() {
  return element("li", { class: "notice" },
    element("details", {}, element("summary", { "data-field": "says" }), element("ul", { class: "stack", tabindex: -1 })));
}

function updateGroup(/** @type {Element} */ made, /** @type {Group} */ group, /** @type {() => void} */ done) {
  setField(made, "says", describeGroup(group));
  const list = /** @type {Element} */ (made.querySelector("ul"));
  bringUpToDate(list, group.items, ({ key }) => key, makeItem, (one, item) => updateItem(one, item, done));
}

function makeItem() {
  return element("li", { class: "notice item" }, element("p", { "data-field": "says" }), element("div", { class: "row" }));
}

function updateItem(/** @type {Element} */ made, /** @type {Item} */ item, /** @type {() => void} */ done) {
  setField(made, "says", describe(item));
  const action = mayWrite() ? actionFor(item, done) : null;
  const place = /** @type {Element} */ (made.querySelector(".row"));
  const before = place.querySelector("button");
  // The button stays for as long as it does the same, and what it does it looks up when pressed.
  if ((before ? saidIn(before) : undefined) !== action?.label) {
    place.replaceChildren(...(action ? [element("button", { type: "button", text: action.label })] : []));
  }
  const button = place.querySelector("button");
  if (button && action) button.onclick = () => pressed(button, action.act);
}
