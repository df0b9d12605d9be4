import { methodOf, type Route } from "./route.ts";
import type { Side } from "./sides.ts";

/** `  /users/{id}:` of YAML, `"/users/{id}": {` of JSON. */
const PATH = /^(?:"(\/[\w{}/.~-]*)"|'(\/[\w{}/.~-]*)'|(\/[\w{}/.~-]*))\s*:\s*\{?$/;

/**
 * The paths that lines of an API's document name, for a document of which only the changed
 * lines are known: without the methods, which stand on other lines.
 */
export function pathsInLines(file: string, side: Side): Route[] {
  return side.lines.flatMap(({ text, line }) => {
    const [, inDouble, inSingle, bare] = PATH.exec(text.trim()) ?? [];
    const path = inDouble ?? inSingle ?? bare;
    if (path === undefined) return [];
    return [{ method: methodOf("all"), path, file, line, isParsed: false }];
  });
}
