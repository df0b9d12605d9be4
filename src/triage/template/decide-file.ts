import { isRegular, type TreeEntry } from "../sources/git/read-objects.ts";
import type { ConflictHunk, Disposition } from "./sync-facts.ts";

/** One side of a change of the template, with the path that it has in the derivative. */
export type MappedSide = { readonly path: string; readonly mode: string; readonly id: string };

/** A changed file of the template. A side is null where there is no file. */
export type MappedChange = {
  readonly templatePath: string;
  readonly before: MappedSide | null;
  readonly after: MappedSide | null;
};

/** What a patch does to a path of the derivative; `id` null: it goes. */
export type TreeEdit = {
  readonly path: string;
  readonly mode: string;
  readonly id: string | null;
};

/** The contents tell it all. */
export type DecidedFile = {
  readonly disposition: Disposition;
  readonly path: string;
  readonly edits: readonly TreeEdit[];
};

/** Both sides changed the file: only a merge can tell. */
export type ToMerge = {
  readonly path: string;
  readonly mode: string;
  /** The one that the derivative's file has so far. */
  readonly oursMode: string;
  /** Where it lies so far, if it moves. */
  readonly movedFrom: TreeEntry | null;
  readonly ours: string;
  /** Null: both have added it. */
  readonly base: string | null;
  readonly theirs: string;
};

/** The derivative's file that a change is about, by its path; null where there is none. */
export function locate(
  { before, after }: MappedChange,
  entries: ReadonlyMap<string, TreeEntry>,
): TreeEntry | null {
  const atNew = after === null ? undefined : entries.get(after.path);
  const atOld = before === null ? undefined : entries.get(before.path);
  return atNew ?? atOld ?? null;
}

/** What becomes of a change, given the derivative's file as it is, as far as contents tell. */
export function decideFile(change: MappedChange, current: TreeEntry | null): DecidedFile | ToMerge {
  const { before, after } = change;
  if (after === null) return decideDeletion(before, current);
  if (current === null) {
    return before === null
      ? decided("fast_forward", after.path, [after])
      : decided("missing", after.path);
  }
  const moves = before !== null && before.path !== after.path && current.path === before.path;
  const path = moves ? after.path : current.path;
  const mode = before?.mode === current.mode ? after.mode : current.mode;
  const edits = [...(moves ? [removal(current)] : []), { path, mode, id: after.id }];
  if (current.id === after.id) {
    const isSame = !moves && mode === current.mode;
    return isSame ? decided("already_present", path) : decided("fast_forward", path, edits);
  }
  if (current.id === before?.id) return decided("fast_forward", path, edits);
  const modes = [current.mode, after.mode, ...(before === null ? [] : [before.mode])];
  // Of links and submodules there is nothing to merge.
  if (!modes.every(isRegular)) return decided("conflicts", path);
  return {
    path,
    mode,
    oursMode: current.mode,
    movedFrom: moves ? current : null,
    ours: current.id,
    base: before?.id ?? null,
    theirs: after.id,
  };
}

function decideDeletion(before: MappedSide | null, current: TreeEntry | null): DecidedFile {
  const path = current?.path ?? before?.path ?? "";
  if (current === null) return decided("already_present", path);
  return current.id === before?.id
    ? decided("fast_forward", path, [removal(current)])
    : decided("deleted", path);
}

/** What the patch does for a file that was merged. */
export function editsOf({ path, mode, movedFrom }: ToMerge, id: string): TreeEdit[] {
  return [...(movedFrom === null ? [] : [removal(movedFrom)]), { path, mode, id }];
}

function removal({ path, mode }: TreeEntry): TreeEdit {
  return { path, mode, id: null };
}

function decided(
  disposition: Disposition,
  path: string,
  edits: readonly TreeEdit[] = [],
): DecidedFile {
  return { disposition, path, edits };
}

/** What becomes of a change of a file, and what the patch does for it. */
export type FileOutcome = {
  readonly path: string;
  readonly disposition: Disposition;
  readonly edits: readonly TreeEdit[];
  readonly hunks: readonly ConflictHunk[];
  /** Of a diff without its repository: the hunks of it that do not fit, as git writes them. */
  readonly rejects: string | null;
  /** Whether the edits are those parts of the change that do not conflict. */
  readonly isPartial: boolean;
  readonly since: string | null;
};
