import { parseJsonText } from "../../json.ts";
import type { Location } from "../finding.ts";
import type { ConsumerFile } from "./source-files.ts";

/**
 * Where scripts of the consumer's package.json files run a command: as a whole word of a
 * script, so that `retry` is not found in `retry-all`.
 */
export function commandUses(manifests: readonly ConsumerFile[], command: string): Location[] {
  return manifests.flatMap(({ path, text }) =>
    scriptsOf(text)
      .filter(([, script]) => script.split(/[\s;&|()]+/).includes(command))
      .map(([name]) => ({ path, line: lineOf(text, JSON.stringify(name)) })),
  );
}

function scriptsOf(text: string): [string, string][] {
  try {
    const value: unknown = parseJsonText(text);
    if (typeof value !== "object" || value === null || !("scripts" in value)) return [];
    return Object.entries(value.scripts ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
  } catch {
    return []; // a broken package.json runs no script
  }
}

function lineOf(text: string, key: string): number {
  const scripts = text.indexOf('"scripts"');
  const at = text.indexOf(key, scripts);
  return text.slice(0, Math.max(at, 0)).split("\n").length;
}
