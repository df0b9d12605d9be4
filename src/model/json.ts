/** JSON in which no number loses a digit. */

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As far as the standard has it and TypeScript does not. */
type Json = {
  readonly rawJSON: (text: string) => object;
  readonly isRawJSON: (value: unknown) => boolean;
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node has both since 21.
const standard = JSON as unknown as Json;

/** Whether it is a number that stands as it was written: see `decimals: "kept"`. */
export function isLongNumber(value: unknown): boolean {
  return standard.isRawJSON(value);
}

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
