import { readFileSync } from "node:fs";

/** The value in a JSON file, as npm reads it; undefined if it is absent or does not parse. */
export function parseJson(path: string): unknown {
  try {
    return JSON.parse(withoutMark(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Without the byte order mark that some editors put first. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}
