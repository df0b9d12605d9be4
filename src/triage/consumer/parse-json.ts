import { parseJsonText } from "../../json.ts";
import type { Fence } from "../fence.ts";

/** The value in a JSON file, as npm reads it; undefined if it is absent or does not parse. */
export function parseJson(fence: Fence, path: string): unknown {
  try {
    return parseJsonText(fence.readFile(path) ?? "");
  } catch {
    return undefined;
  }
}
