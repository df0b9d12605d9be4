import type { EventFile } from "../event/change-event.ts";
import { parseDiff } from "../event/parse-diff.ts";
import { isSafePath } from "../repository/safe-path.ts";
import type { MapPath } from "./path-map.ts";

/** A producer cuts diffs at this length, in characters, and does not say so. */
const CUT_AT = 5_000;

/**
 * The diff of an event's file as a patch that git can apply to the derivative; null where it
 * has no hunks with headers, is cut off, or tells of no plain file.
 */
export function eventPatch({ path, diff, old_path }: EventFile, mapPath: MapPath): string | null {
  const parsed = parseDiff(diff);
  const at = diff.search(/^@@ -/m);
  const isWhole = at !== -1 && !parsed.isIncomplete && diff.length < CUT_AT;
  const newPath = mapPath(parsed.newPath ?? path);
  const oldPath = mapPath(parsed.oldPath ?? old_path ?? path);
  if (!isWhole || parsed.isBinary || ![newPath, oldPath].every(isPlain)) return null;
  const isAdded = parsed.changeType === "added" || /^@@ -0,0 /m.test(diff.slice(at));
  const isDeleted = parsed.changeType === "deleted" || /^@@ -\S+ \+0,0 @@/m.test(diff.slice(at));
  const body = diff.slice(at);
  return [
    `diff --git a/${oldPath} b/${newPath}`,
    ...(isAdded ? ["new file mode 100644"] : []),
    ...(isDeleted ? ["deleted file mode 100644"] : []),
    ...(oldPath === newPath ? [] : [`rename from ${oldPath}`, `rename to ${newPath}`]),
    `--- ${isAdded ? "/dev/null" : `a/${oldPath}`}`,
    `+++ ${isDeleted ? "/dev/null" : `b/${newPath}`}`,
    body.endsWith("\n") ? body : `${body}\n`,
  ].join("\n");
}

/** One that needs no quotes in a patch. */
function isPlain(path: string): boolean {
  return isSafePath(path) && /^[\x21\x23-\x7e][\x20\x21\x23-\x7e]*$/.test(path);
}
