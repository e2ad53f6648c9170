// Lists that are brought up to date in place: an element stays for as long as its item does, so that
// focus, scrolling and what a screen reader reads are not disturbed.

/**
 * @template T
 * @param {Element} list Whose children have `data-key`.
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => Element} make
 * @param {(element: Element, item: T) => void} update
 */
export function bringUpToDate(list, items, key, make, update) {
  const names = new Set(items.map(key));
  const before = new Map(Array.from(list.children, (child) => [child.getAttribute("data-key"), child]));
  for (const [name, child] of before) {
    if (name !== null && names.has(name)) continue;
    // What has the focus is about to go: the list keeps it.
    if (child.contains(document.activeElement)) /** @type {HTMLElement} */ (list).focus();
    child.remove();
  }
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let child = before.get(name);
    if (!child) {
      child = make(item);
      child.setAttribute("data-key", name);
    }
    update(child, item);
    // What has the focus would lose it if it were moved; the others go around it.
    while (place && place !== child && child.contains(document.activeElement)) {
      const other = place;
      place = place.nextElementSibling;
      other.remove();
    }
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
  }
}

/** Sets an attribute that has another value: a screen reader may say one again that is set again. */
export function setAttribute(/** @type {Element} */ target, /** @type {string} */ name, /** @type {string} */ value) {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/**
 * All rows of a list that the API answers page by page, up to `pages` pages.
 * @param {(query: string) => Promise<any>} ask
 * @param {string} field
 * @param {number} pages
 * @returns {Promise<{ rows: any[], isWhole: boolean }>}
 */
export async function allPages(ask, field, pages) {
  const rows = [];
  let before = null;
  for (let page = 0; page < pages; page += 1) {
    const answer = await ask(before === null ? "" : `&antes_de=${before}`);
    rows.push(...answer[field]);
    before = answer.proxima;
    if (before === null) return { rows, isWhole: true };
  }
  return { rows, isWhole: false };
}
