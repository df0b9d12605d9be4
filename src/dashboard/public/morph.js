// Makes what is shown like what came, and leaves alone what did not change: focus, selections,
// text that is being written and what was folded open stay.

/** What the reader has set, and no answer of the server takes back. */
const READERS = new Set(["open", "checked", "value"]);

/**
 * @param {Element} shown
 * @param {Element} next
 */
export function morph(shown, next) {
  if (shown.isEqualNode(next)) return;
  copyAttributes(shown, next);
  if (shown.hasAttribute("data-keep")) return;
  const nodes = [...next.childNodes];
  const keyed = new Map(
    [...shown.children].filter(({ id }) => id).map((child) => [child.id, child]),
  );
  /** @type {ChildNode | null} */
  let place = shown.firstChild;
  for (const node of nodes) {
    const known = matchOf(node, place, keyed);
    if (known === null) {
      shown.insertBefore(node, place);
      continue;
    }
    if (known !== place) shown.insertBefore(known, place);
    else place = place.nextSibling;
    if (known instanceof Element && node instanceof Element) morph(known, node);
    else if (known.nodeValue !== node.nodeValue) known.nodeValue = node.nodeValue;
  }
  while (place !== null) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}

/**
 * The shown node that becomes this one: that of the same id, else the next if it is of its kind.
 * @param {ChildNode} node
 * @param {ChildNode | null} place
 * @param {Map<string, Element>} keyed
 * @returns {ChildNode | null}
 */
function matchOf(node, place, keyed) {
  if (node instanceof Element && node.id) {
    const known = keyed.get(node.id);
    return known !== undefined && known.nodeName === node.nodeName ? known : null;
  }
  const isLike =
    place !== null &&
    place.nodeName === node.nodeName &&
    !(place instanceof Element && place.id !== "");
  return isLike ? place : null;
}

/**
 * @param {Element} shown
 * @param {Element} next
 */
function copyAttributes(shown, next) {
  for (const { name, value } of next.attributes) {
    if (!READERS.has(name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const { name } of Array.from(shown.attributes)) {
    if (!READERS.has(name) && !next.hasAttribute(name)) shown.removeAttribute(name);
  }
}
