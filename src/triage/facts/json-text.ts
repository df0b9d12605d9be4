import { withoutMark } from "../../index.ts";

/** The value of a JSON text; a byte order mark before it does not count. Throws a SyntaxError. */
export function parseJsonText(text: string): unknown {
  return JSON.parse(withoutMark(text));
}

/** The value of a JSON text; undefined for what does not parse. */
export function jsonValueIn(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}
