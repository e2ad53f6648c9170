// A part of the page that is made anew and shown in place: what has the focus, is open or was scrolled
// stays so, where it is still there.

/**
 * Makes what `shown` contains like what `made` contains. Attributes of elements that stay are left as they
 * are, so an element whose attributes change needs another class.
 * @param {Element} shown
 * @param {Element} made
 */
export function updateInPlace(shown, made) {
  const before = [...shown.childNodes];
  const after = [...made.childNodes];
  after.forEach((wanted, at) => {
    const there = before[at];
    if (there === undefined) shown.append(wanted);
    else if (isAlike(there, wanted)) updateInPlace(/** @type {Element} */ (there), /** @type {Element} */ (wanted));
    else if (!there.isEqualNode(wanted)) there.replaceWith(wanted);
  });
  for (const rest of before.slice(after.length)) rest.remove();
}

/** Whether one element may become like the other. A plot is drawn by its own size, and always made anew. */
function isAlike(/** @type {Node} */ there, /** @type {Node} */ wanted) {
  return there instanceof Element && wanted instanceof Element
    && there.tagName === wanted.tagName && there.className === wanted.className && there.tagName !== "FIGURE";
}
