import { stripVTControlCharacters } from "node:util";

/**
 * Text that strangers wrote (names, messages, file contents, answers of models) for a reader
 * who sees what is there: free of escape sequences, control characters, and characters that are
 * invisible or turn the direction of others. Line breaks and tabs stay.
 */
export function visibleText(text: string): string {
  return isHarmless(text)
    ? text
    : stripVTControlCharacters(text)
        .toWellFormed()
        .replaceAll(/\r\n|[\v\f\u0085\u2028\u2029]/g, "\n")
        .replaceAll(HIDDEN, "");
}

/** The same on one line, so that it forges no second one. */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll(/\s+/g, " ").trim();
}

/** The same, later lines below the first one: none of them passes for a line of ours. */
export function indented(text: string): string {
  return visibleText(text).replaceAll(/\n(?=\S)/g, "\n  ");
}

/**
 * A JSON text with what `visibleText` would remove as escapes, so that it says the same to a
 * program and does nothing to a terminal. JSON has such characters in strings alone.
 */
export function visibleJson(json: string): string {
  return isHarmless(json)
    ? json
    : json.replaceAll(HIDDEN, (found) =>
        Array.from({ length: found.length }, (_, at) => unicodeEscape(found, at)).join(""),
      );
}

/**
 * All controls but tab and line feed, then formatting characters (of direction, of width zero,
 * tags), separators of lines, fillers and half surrogate pairs.
 */
const HIDDEN = /[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?![\t\n])\p{Cc}/gu;

/** The case of nearly every text, found out fast. */
function isHarmless(text: string): boolean {
  return !/[^\t\n\u0020-\u007e]/.test(text);
}

function unicodeEscape(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
}
