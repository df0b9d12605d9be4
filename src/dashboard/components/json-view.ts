/** JSON as people read it: indented, nested parts to open and close, long texts cut. */
import { isLongNumber, isRecord, toJson } from "../../model/json.ts";
import { counted } from "../../model/text.ts";
import { type Html, html } from "../html.ts";
import { diffView, isDiff } from "./diff-view.ts";
import { foldedText, shownLine, shownText } from "./shown-text.ts";

/** Levels below the value that are drawn. Deeper ones are one line of text. */
export const JSON_DEPTH_MAX = 30;
/** Keys or items of one object or array that are drawn. */
export const JSON_ITEMS_MAX = 200;
/** Values of one view. A page stays readable, and a browser quick. */
export const JSON_VALUES_MAX = 2_000;
/** Levels that are open at first. */
const OPEN_LEVELS = 2;
/** Keys or items of a part that is open at first. */
const OPEN_ITEMS = 20;
/** Characters of the line in place of what lies too deep. */
const DEEP_CHARS_MAX = 200;

/** What a view may still draw. */
type Drawing = { left: number };

/** A value that JSON has; bigints and long numbers with all their digits. */
export function jsonView(value: unknown): Html {
  return html`<div class="json">${valueView(value, 0, { left: JSON_VALUES_MAX })}</div>`;
}

/** Keys whose text is a diff, also one without headers. */
const DIFF_KEYS = new Set(["diff", "patch", "rejects"]);

function valueView(value: unknown, depth: number, drawing: Drawing, key = "text"): Html {
  drawing.left -= 1;
  if (
    typeof value === "string" &&
    (isDiff(value) || (DIFF_KEYS.has(key) && value.includes("\n")))
  ) {
    return html`<details>
      <summary>diff, ${counted(value.split("\n").length, "line")}</summary>
      ${diffView(value, key)}
    </details>`;
  }
  if (typeof value === "string") {
    return html`<span class="json-text">"${foldedText(value)}"</span>`;
  }
  if (Array.isArray(value)) {
    return partsView({ parts: value.map((item) => [null, item]), isArray: true }, depth, drawing);
  }
  if (isRecord(value) && !isLongNumber(value)) {
    return partsView({ parts: Object.entries(value), isArray: false }, depth, drawing);
  }
  const kind = value === null || value === undefined ? "json-null" : "json-plain";
  return html`<span class="${kind}">${toJson(value ?? null)}</span>`;
}

type Parts = {
  readonly parts: readonly (readonly [key: string | null, value: unknown])[];
  readonly isArray: boolean;
};

function partsView({ parts, isArray }: Parts, depth: number, drawing: Drawing): Html {
  const [open, close] = isArray ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) {
    return html`<span class="json-plain">${open}${close}</span>`;
  }
  const size = counted(parts.length, isArray ? "item" : "key");
  if (depth >= JSON_DEPTH_MAX) {
    return html`${deepLine(parts, isArray)} <span class="cut">nested too deep to draw</span>`;
  }
  const rows: Html[] = [];
  for (const [key, value] of parts) {
    if (rows.length === JSON_ITEMS_MAX || drawing.left <= 0) break;
    rows.push(rowView(key, value, depth, drawing));
  }
  const left = parts.length - rows.length;
  const list = html`<ul>
    ${rows}${left > 0 && html`<li class="cut">… ${counted(left, "more", "more")}</li>`}
  </ul>`;
  const isOpen = depth < OPEN_LEVELS && parts.length <= OPEN_ITEMS;
  return html`<details ${isOpen && "open"}>
    <summary><span class="json-mark">${open}</span> <span class="json-size">${size}</span> <span class="json-mark">${close}</span></summary>
    ${list}
  </details>`;
}

function rowView(key: string | null, value: unknown, depth: number, drawing: Drawing): Html {
  if (key === null) {
    return html`<li>${valueView(value, depth + 1, drawing)}</li>`;
  }
  return html`<li><span class="json-key">${shownLine(key)}</span>: ${valueView(value, depth + 1, drawing, key)}</li>`;
}

function deepLine(parts: Parts["parts"], isArray: boolean): Html {
  const value = isArray ? parts.map(([, item]) => item) : Object.fromEntries(parts);
  return html`<code>${shownText(toJson(value).slice(0, DEEP_CHARS_MAX).toWellFormed())}</code>`;
}
