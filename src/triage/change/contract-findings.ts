import type { ChangedFile } from "../change-set.ts";
import { isData, isOpenApi, isTest } from "./file-kinds.ts";
import { type OpenApi, parseOpenApi } from "./openapi-document.ts";
import { openApiFindings } from "./openapi-findings.ts";
import { pathsInLines } from "./openapi-lines.ts";
import { pathKey } from "./route.ts";
import { goneRoute, successorsAmong } from "./route-findings.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";

/** Is told of each document that was not read, or not to its end, and why. */
export type OnLeftOut = (told: string) => void;

/** What the documents of the API that changed say about those who call it. */
export function contractFindings(
  files: readonly ChangedFile[],
  onLeftOut: OnLeftOut,
): ServiceFound[] {
  return files
    .filter(({ path }) => isData(path) && !isTest(path))
    .flatMap((file) => documentFindings(file, onLeftOut));
}

const NO_OPERATIONS: OpenApi = { root: { paths: {} }, basePath: "", steps: { left: 1 } };

function documentFindings(file: ChangedFile, onLeftOut: OnLeftOut): ServiceFound[] {
  const { path } = file;
  const read = (text: string | null): OpenApi | null => {
    const document = text === null ? null : parseOpenApi(text);
    if (document === null || !("leftOut" in document)) return document;
    onLeftOut(`${path} was left out as a document of an API: it ${document.leftOut}`);
    return null;
  };
  const [before, after] = [read(file.before), read(file.after)];
  if (before !== null && after !== null) {
    const found = openApiFindings(before, after, path);
    const isWhole = [before, after].every(({ steps }) => steps.left > 0);
    if (!isWhole) onLeftOut(`${path} was not compared to its end: it has too many schemas`);
    return found;
  }
  // A document that went promises nothing any more; whether its routes went, too, is not said.
  if (before !== null && file.changeType === "deleted") return softened(before, path);
  if (!isOpenApi(path) && !isOpenApi(file.oldPath ?? "")) return [];

  const { old, new: now } = sidesOf(file);
  const added = pathsInLines(path, now);
  const kept = new Set(added.map(pathKey));
  const successorOf = successorsAmong(added);
  return pathsInLines(path, old)
    .filter((route) => !kept.has(pathKey(route)))
    .map((route) => goneRoute(route, successorOf(route)));
}

function softened(before: OpenApi, path: string): ServiceFound[] {
  return openApiFindings(before, NO_OPERATIONS, path).map((found) => ({
    ...found,
    finding: { ...found.finding, breaking: "maybe" },
  }));
}
