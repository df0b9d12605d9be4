import { withoutMark } from "./without-mark.ts";

/** The value of a JSON text; a byte order mark before it does not count. Throws a SyntaxError. */
export function parseJsonText(text: string): unknown {
  return JSON.parse(withoutMark(text));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
