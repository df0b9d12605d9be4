// By which method a consumer asks for a path. A wall: a scanner of lines with tests of its own.
import { ROUTE_METHODS } from "../facts/service.ts";

/** Lines in front of the one with the path, and behind it, among which its call may lie. */
const LINES_BEFORE_MAX = 4;
const LINES_AFTER_MAX = 12;

/** `method: "DELETE"`, `"method": 'delete'`, `method="PUT"`. */
const NAMED = /\bmethod["']?\s*[:=]\s*["'`](get|post|put|patch|delete|head|options)["'`]/i;
/** `request("DELETE", url)`, `http.NewRequest("PUT", url, nil)`. */
const FIRST = /^\s*["'`](get|post|put|patch|delete|head|options)["'`]\s*,/i;
/** Options that may bring a method which is not written there. */
const OPEN = /\.\.\.|\*\*|\bmethod\b/;
/** What asks with GET unless it is told otherwise. */
const PLAIN = new Set(["fetch", "$fetch", "axios", "got", "ky"]);
/** What makes an address and asks for nothing: the call is around it. */
const ADDRESS = new Set(
  "URL URI Uri parse String urljoin join format Sprintf encodeURI".split(" "),
);

const CURL = /\bcurl\s/;
const CURL_NAMED = /\s(?:-X|--request)[\s=]*["']?(get|post|put|patch|delete|head|options)\b/i;
/** Options of curl by which it sends something, or that may name a method. */
const CURL_SENDS = /\s(?:-d|-F|-T|-X|-I|--data\S*|--json|--form|--request|--upload-file|--head)\b/;

/**
 * The method, in upper case, by which the line at `index` asks for the path that it writes as
 * `literal`. Null where that is not seen, which proves nothing.
 */
export function requestMethod(
  lines: readonly string[],
  index: number,
  literal: string,
): string | null {
  const line = lines[index] ?? "";
  const command = commandAt(lines, index);
  const found = CURL.test(command)
    ? curlMethod(command)
    : calledMethod(lines, index, line.indexOf(literal));
  return found?.toUpperCase() ?? null;
}

function curlMethod(command: string): string | null {
  return CURL_NAMED.exec(command)?.[1] ?? (CURL_SENDS.test(command) ? null : "GET");
}

/** The command of a shell that a line is in: with the lines that a backslash joins to it. */
function commandAt(lines: readonly string[], index: number): string {
  const isJoined = (at: number): boolean => /\\\s*$/.test(lines[at] ?? "");
  let [start, end] = [index, index];
  while (start > 0 && index - start < LINES_BEFORE_MAX && isJoined(start - 1)) start--;
  while (end - index < LINES_AFTER_MAX && isJoined(end)) end++;
  return lines.slice(start, end + 1).join("\n");
}

function calledMethod(lines: readonly string[], index: number, column: number): string | null {
  if (column === -1) return null;
  const first = Math.max(0, index - LINES_BEFORE_MAX);
  const before = `${lines.slice(first, index).join("\n")}\n`;
  const text = before + lines.slice(index, index + LINES_AFTER_MAX).join("\n");
  const at = before.length + column;
  let opened = openedBefore(text, at);
  while (opened !== -1 && ADDRESS.has(calleeBefore(text, opened))) {
    opened = openedBefore(text, opened);
  }
  if (opened === -1) return null;
  const callee = calleeBefore(text, opened);
  if (callee !== "all" && ROUTE_METHODS.has(callee.toLowerCase())) return callee;
  const end = closedAfter(text, opened);
  if (end === -1) return null;
  const given = text.slice(opened + 1, end);
  const named = NAMED.exec(given)?.[1] ?? FIRST.exec(given)?.[1];
  if (named !== undefined) return named;
  return PLAIN.has(callee) && isPlain(text.slice(at, end)) ? "GET" : null;
}

/** Whether nothing stands behind the path in a call, or options that are written there. */
function isPlain(rest: string): boolean {
  const [, options = ""] = /["'`][^"'`]*,\s*(\S[^]*)$/.exec(rest) ?? [];
  return options === "" || (options.startsWith("{") && !OPEN.test(options));
}

/** The last word in front of a bracket: `fetch`, of `api.delete<Order>(` it is `delete`. */
function calleeBefore(text: string, bracket: number): string {
  let end = bracket;
  while (/\s/.test(text.charAt(end - 1))) end--;
  if (text.charAt(end - 1) === ">") end = text.lastIndexOf("<", end);
  let start = end;
  while (/[\w$]/.test(text.charAt(start - 1))) start--;
  return text.slice(start, end);
}

/** The bracket that is open at a place; -1 for none. */
function openedBefore(text: string, at: number): number {
  let depth = 0;
  for (let index = at - 1; index >= 0; index--) {
    const character = text.charAt(index);
    if (character === ")") depth++;
    else if (character === "(" && depth-- === 0) return index;
  }
  return -1;
}

/** Where the bracket that opens at a place is closed; -1 for nowhere in the text. */
function closedAfter(text: string, opened: number): number {
  let depth = 0;
  for (let index = opened; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "(") depth++;
    else if (character === ")" && --depth === 0) return index;
  }
  return -1;
}
