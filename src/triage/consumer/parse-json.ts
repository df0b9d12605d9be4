import { readFileSync } from "node:fs";
import { parseJsonText } from "../../json.ts";

/** The value in a JSON file, as npm reads it; undefined if it is absent or does not parse. */
export function parseJson(path: string): unknown {
  try {
    return parseJsonText(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
