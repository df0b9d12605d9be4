import { withoutMark } from "./without-mark.ts";

/** The value of a JSON text; a byte order mark before it does not count. Throws a SyntaxError. */
export function parseJsonText(text: string): unknown {
  return JSON.parse(withoutMark(text));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The path of the first key that an object of this JSON text has twice, of which JSON.parse
 * keeps the last value without a word; null if there is none. For texts that JSON.parse takes.
 */
export function repeatedKey(text: string): (string | number)[] | null {
  const within: { readonly keys: Set<string>; at: string | number }[] = [];
  // unproven pattern -- each character is part of one alternative at most
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[[\]{},]/g)) {
    const inner = within.at(-1);
    if (token === "{" || token === "[") {
      within.push({ keys: new Set(), at: token === "[" ? 0 : "" });
    } else if (token === "}" || token === "]") {
      within.pop();
    } else if (token === "," && typeof inner?.at === "number") {
      inner.at += 1;
    } else if (token.endsWith(":") && inner !== undefined) {
      const key = String(JSON.parse(token.slice(0, -1)));
      inner.at = key;
      if (inner.keys.has(key)) return within.map(({ at }) => at);
      inner.keys.add(key);
    }
  }
  return null;
}
