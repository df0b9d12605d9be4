import type { ChangedFile } from "../change-set.ts";
import { isData, isOpenApi, isTest } from "./file-kinds.ts";
import { type OpenApi, parseOpenApi } from "./openapi-document.ts";
import { openApiFindings } from "./openapi-findings.ts";
import { pathsInLines } from "./openapi-lines.ts";
import { samePath } from "./route.ts";
import { goneRoute, successorOf } from "./route-findings.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";

/** What the documents of the API that changed say about those who call it. */
export function contractFindings(files: readonly ChangedFile[]): ServiceFound[] {
  return files.filter(({ path }) => isData(path) && !isTest(path)).flatMap(documentFindings);
}

const NO_OPERATIONS: OpenApi = { root: { paths: {} }, basePath: "" };

function documentFindings(file: ChangedFile): ServiceFound[] {
  const named = isOpenApi(file.path) || isOpenApi(file.oldPath ?? "");
  const before = file.before === null ? null : parseOpenApi(file.before);
  const after = file.after === null ? null : parseOpenApi(file.after);
  if (before !== null && after !== null) return openApiFindings(before, after, file.path);
  // A document that went promises nothing any more; whether its routes went, too, is not said.
  if (before !== null && file.changeType === "deleted") return softened(before, file.path);
  if (!named) return [];

  const { old, new: now } = sidesOf(file);
  const added = pathsInLines(file.path, now);
  return pathsInLines(file.path, old)
    .filter((route) => !added.some((other) => samePath(other.path, route.path)))
    .map((route) => goneRoute(route, successorOf(route, added)));
}

function softened(before: OpenApi, path: string): ServiceFound[] {
  return openApiFindings(before, NO_OPERATIONS, path).map((found) => ({
    ...found,
    finding: { ...found.finding, breaking: "maybe" },
  }));
}
