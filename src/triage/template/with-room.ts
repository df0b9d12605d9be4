import type { TreeEntry } from "../repository/list-tree.ts";
import { isSafePath } from "../repository/safe-path.ts";
import type { TreeEdit } from "./decide.ts";
import type { Outcome } from "./outcome.ts";

type Room = { readonly outcomes: readonly Outcome[]; readonly capsHit: readonly string[] };

/**
 * The outcomes, of which nothing is written over what the derivative has: a file where it has a
 * folder, a folder where it has a file, and two files of the template at one path are left to a
 * person. A path that could leave the work tree is in no patch.
 */
export function withRoom(
  outcomes: readonly Outcome[],
  entries: ReadonlyMap<string, TreeEntry>,
): Room {
  const written = outcomes.flatMap(({ edits }) => edits).filter(isWritten);
  const counts = new Map<string, number>();
  for (const { path } of written) counts.set(path, (counts.get(path) ?? 0) + 1);
  const gone = new Set(outcomes.flatMap(({ edits }) => edits).flatMap(removedPath));
  const kept = new Set([...entries.keys()].filter((path) => !gone.has(path)));
  const folders = new Set([...kept].flatMap(foldersOf));
  const isBlocked = ({ path }: TreeEdit): boolean =>
    (counts.get(path) ?? 0) > 1 ||
    folders.has(path) ||
    foldersOf(path).some((folder) => kept.has(folder));
  return {
    outcomes: outcomes.map((outcome) => {
      if (isUnsafe(outcome)) return { ...outcome, disposition: "unknown", edits: [] };
      return outcome.edits.filter(isWritten).some(isBlocked)
        ? { ...outcome, disposition: "conflicts", edits: [] }
        : outcome;
    }),
    capsHit: outcomes.some(isUnsafe) ? ["paths"] : [],
  };
}

function isUnsafe({ edits }: Outcome): boolean {
  return edits.some(({ path }) => !isSafePath(path));
}

function removedPath({ path, id }: TreeEdit): string[] {
  return id === null ? [path] : [];
}

function isWritten({ id }: TreeEdit): boolean {
  return id !== null;
}

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
