/** JSON in which no number loses a digit. */
import { withoutMark } from "./text.ts";

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

/** As far as the standard has it and TypeScript does not. */
type Json = {
  readonly rawJSON: (text: string) => object;
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node has both since 21.
const standard = JSON as unknown as Json;

/** What has no number as long as this has none that loses a digit. */
const MAY_HAVE_LONG_NUMBER = /[\d.]{16}|\d[eE]/;

/**
 * The value of a JSON text, in which an integer that a number would round is a bigint. Other
 * numbers with too many digits are rounded, or with `decimals: "kept"` stand as they are written,
 * for toJson alone to write again.
 */
export function parseExactly(
  text: string,
  { decimals = "rounded" }: { readonly decimals?: "rounded" | "kept" } = {},
): unknown {
  if (!MAY_HAVE_LONG_NUMBER.test(text)) {
    return JSON.parse(text);
  }
  return standard.parse(text, (_key, value, { source }) => {
    if (typeof value !== "number" || source === undefined || isExact(value, source)) {
      return value;
    }
    if (/^-?\d+$/.test(source)) {
      return BigInt(source);
    }
    return decimals === "kept" ? standard.rawJSON(source) : value;
  });
}

/** JSON of a value that may hold bigints. Throws a TypeError for a cycle. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, inner: unknown) => forJson(inner), indent);
}

/** What JSON.stringify takes in place of a bigint, which it refuses. */
export function forJson(value: unknown): unknown {
  return typeof value === "bigint" ? standard.rawJSON(value.toString()) : value;
}

/** Whether it has the digits that were written: JavaScript writes as many as tell it apart. */
function isExact(value: number, source: string): boolean {
  return Number.isFinite(value) && digitsOf(String(value)) === digitsOf(source);
}

/** Without sign, point, exponent, and zeros at both ends. */
function digitsOf(text: string): string {
  const [mantissa = ""] = text.split(/[eE]/);
  const digits = mantissa.replaceAll(/[^0-9]/g, "");
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  let begin = 0;
  while (begin < end && digits[begin] === "0") begin += 1;
  return digits.slice(begin, end);
}
