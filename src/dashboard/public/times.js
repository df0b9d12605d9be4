// Times: written in UTC by the server, shown in the reader's zone; the exact instant is the title.

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const AGE = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "long" });
/** @type {readonly [Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** @param {ParentNode} root */
export function localizeTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.getTime())) continue;
    element.textContent = textOf(element, at);
  }
}

/**
 * What is shown as an age grows older.
 * @param {ParentNode} root
 */
export function refreshAges(root) {
  for (const element of root.querySelectorAll("time[data-age]")) {
    const text = textOf(element, new Date(element.getAttribute("datetime") ?? ""));
    if (element.textContent !== text) element.textContent = text;
  }
}

/**
 * @param {Element} element
 * @param {Date} at
 */
function textOf(element, at) {
  if (!element.hasAttribute("data-age")) return TIME.format(at);
  const seconds = Math.round((at.getTime() - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, of]) => Math.abs(seconds) >= of) ?? ["second", 1];
  return AGE.format(Math.trunc(seconds / length), unit);
}
