import { readFileSync } from "node:fs";

/** The value in a JSON file; undefined if it is absent or does not parse. */
export function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
