// The few helpers that every page needs to make and find elements. Text is always set as text, so
// nothing that an operator or driver has typed is ever read as HTML.

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | EventListener | null | undefined>} properties
 *   Attributes; `text` is its text, a function named `onsomething` listens to that event; `null`,
 *   `undefined` and `false` leave an attribute out.
 * @param {...(Node | string | null | undefined | false)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  setAttributes(made, properties);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** As {@link element}, for the elements of a drawing. */
export function drawn(tag, properties = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, properties);
  made.append(...children.filter(Boolean));
  return made;
}

function setAttributes(target, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") setText(target, String(value));
    else if (typeof value === "function") target.addEventListener(name.replace(/^on/, ""), value);
    else target.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * The element with this id, which the page has.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Sets the text of the part of `parent` that shows this field, and only if it differs: a screen
 * reader says a live region again when its text is set again.
 * @param {ParentNode} parent
 * @param {string} field
 * @param {string} text
 */
export function setField(parent, field, text) {
  const part = parent.querySelector(`[data-field="${field}"]`);
  if (part) setText(part, text);
}

/** What pages have set. A browser that translates a page changes what it shows. @type {WeakMap<Element, string>} */
const said = new WeakMap();

/** What was last set as the text of this element. */
export const saidIn = (/** @type {Element} */ target) => said.get(target) ?? target.textContent ?? "";

/**
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  const before = saidIn(target);
  said.set(target, text);
  if (before !== text) target.textContent = text;
}

/**
 * Calls `run` once after calls have stopped for `millis`.
 * @template {unknown[]} A
 * @param {number} millis
 * @param {(...args: A) => void} run
 */
export function debounced(millis, run) {
  let timer = 0;
  return (/** @type {A} */ ...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), millis);
  };
}

/** The second click of a double one was not meant for what the first has opened or changed. @param {Event} event */
function dropSecondClick(event) {
  const { detail, target } = /** @type {MouseEvent} */ (event);
  if (detail < 2 || !(target instanceof Element) || !target.closest("button")) return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * A dialog that is closed by Escape and by its buttons. Resolves with the value
 * of the button that closed it, `""` if it was closed otherwise. Focus returns to where it was.
 * @param {HTMLDialogElement} dialog
 */
export function showDialog(dialog) {
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.addEventListener("click", dropSecondClick, true);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      resolve(dialog.returnValue);
    }, { once: true });
  });
}
