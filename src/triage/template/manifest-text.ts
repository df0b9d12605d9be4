import { isRecord, parseJsonText } from "../../json.ts";

/** What a package.json holds; nothing where it is no JSON object. */
export function manifestIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed = parseJsonText(text);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}
