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
 * A text in parts, for a reader who sees what is there: plain text, and what `visibleText` would
 * remove, as the escapes that JSON has. Joiners and variants of a pictogram stay with it.
 */
export function visibleParts(
  text: string,
): { readonly text: string; readonly isHidden: boolean }[] {
  if (isHarmless(text)) {
    return [{ text, isHidden: false }];
  }
  const parts: { text: string; isHidden: boolean }[] = [];
  const add = (part: string, isHidden: boolean) => {
    const last = parts.at(-1);
    if (last?.isHidden === isHidden) last.text += part;
    else if (part !== "") parts.push({ text: part, isHidden });
  };
  let end = 0;
  for (const { 0: found, index } of text.matchAll(HIDDEN)) {
    add(text.slice(end, index), false);
    const isOfPictogram =
      (found === "\u200d" || found === "\ufe0f") &&
      /\p{Extended_Pictographic}\ufe0f?$/u.test(text.slice(Math.max(0, index - 3), index));
    if (isOfPictogram) add(found, false);
    else
      add(Array.from({ length: found.length }, (_, at) => unicodeEscape(found, at)).join(""), true);
    end = index + found.length;
  }
  add(text.slice(end), false);
  return parts;
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

/**
 * The text with the password of every connection string in it replaced by `****`. Error
 * messages of drivers and tools quote such strings, so everything printed goes through here.
 * Rather too much than too little: an @ later in the same word ends the password.
 * JSON stays JSON: an escaped quote does not lose its backslash.
 */
export function maskSecrets(text: string): string {
  if (!text.includes("://") && !text.includes("password")) {
    return text;
  }
  return text
    .replaceAll(WORD, (word) => (word.includes("://") ? withoutPassword(word) : word))
    .replaceAll(/(password=)(?:\\\S|[^\s&"'\\])+/gi, "$1****");
}

/** A backslash takes what it escapes along: in JSON a quote behind one ends no word. */
const WORD = /(?:\\\S|[^\s"'\\])+/g;
const SCHEME_CHARACTER = /[a-z0-9+.-]/i;
const USER = /[^:/@?#]*:/y;

/** One pass over a word: messages may be long, and a stranger may have chosen their words. */
function withoutPassword(word: string): string {
  const end = word.lastIndexOf("@");
  for (let at = word.indexOf("://"); at !== -1 && at < end; at = word.indexOf("://", at + 3)) {
    USER.lastIndex = at + 3;
    const user = USER.exec(word);
    const start = user === null ? end : user.index + user[0].length;
    if (start < end && endsInScheme(word, at))
      return `${word.slice(0, start)}****${word.slice(end)}`;
  }
  return word;
}

/** Whether the characters before a place are those of a scheme, with a letter to begin with. */
function endsInScheme(word: string, end: number): boolean {
  for (let at = end - 1; at >= 0 && SCHEME_CHARACTER.test(word.charAt(at)); at--) {
    if (/[a-z]/i.test(word.charAt(at))) return true;
  }
  return false;
}

/** Text that a PostgreSQL text or jsonb column takes: no NUL, no half of a surrogate pair. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{FFFD}");
}

/**
 * The text without any of some characters at its end. One pass from behind, where `/[x]+$/` begins
 * again at each of them: a million slashes that are not at the end would take it an hour.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** The text without the byte order mark that some editors put first. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

/** A number with its noun: `1 task`, `2 tasks`; what has no plain plural brings it along. */
export function counted(count: number | string, noun: string, plural = `${noun}s`): string {
  return `${count} ${Number(count) === 1 ? noun : plural}`;
}
