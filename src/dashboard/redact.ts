/** Covers what nobody shall read in a browser, wherever it stands: UI_REDACT names it. */
import { isLongNumber, isRecord } from "../model/json.ts";

/** What stands in its place. */
export const COVERED = "[covered]";

export type Redaction = {
  /** The value, with what is under a covered name replaced, at any depth. */
  readonly value: (value: unknown) => unknown;
  /** The text, with `name: value` and `name=value` of a covered name replaced. */
  readonly text: (text: string) => string;
};

/** Covers values whose name contains one of `names`, whatever its case: `token` covers `api_token`. */
export function redactionOf(names: readonly string[]): Redaction {
  const parts = names.map((name) => wordOf(name)).filter((word) => word !== "");
  if (parts.length === 0) {
    return { value: (value) => value, text: (text) => text };
  }
  const isCovered = (name: string) => parts.some((part) => wordOf(name).includes(part));
  const value = (given: unknown): unknown => {
    if (Array.isArray(given)) return given.map(value);
    if (typeof given === "string") return text(given);
    if (!isRecord(given) || isLongNumber(given)) return given;
    return Object.fromEntries(
      Object.entries(given).map(([name, inner]) => [
        name,
        isCovered(name) && !isCount(name, inner) ? COVERED : value(inner),
      ]),
    );
  };
  const text = (given: string): string =>
    given.replaceAll(NAMED_VALUE, (whole, name: string, sign: string) =>
      isCovered(name) ? `${name}${sign}${COVERED}` : whole,
    );
  return { value, text };
}

/** `input_tokens: 812` says how many, and is no token. */
function isCount(name: string, value: unknown): boolean {
  return typeof value === "number" && /s$/i.test(name);
}

/** `password=x`, `"token": "x"`, `Authorization: Bearer x`: a name, its sign, and the value behind. */
const NAMED_VALUE =
  // unproven pattern -- a name starts once, and at most 2,080 characters are read from there.
  /(?<![\w-])([A-Za-z][\w-]{0,63})("?[ \t]{0,3}[=:][ \t]{0,3})(?:"[^"\n]{0,2000}"?|(?:Bearer |Basic )?[^\s,;&"]{1,2000})/g;

function wordOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}
