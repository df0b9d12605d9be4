import { z } from "zod";
import type { ChangedFile, ChangeSet, ChangeType, DiffLine } from "../change-set.ts";

/** A producer cuts diffs at this length, in characters. */
const CUT_AT = 5_000;

/** The files of an event, as its producers name their fields. */
export const eventFiles = z.array(
  z.looseObject({
    path: z.string().min(1),
    change_type: z.string().default("modified"),
    old_path: z.string().nullish(),
    diff: z.string().nullish(),
  }),
);

export type Event = {
  readonly commit_sha?: string | undefined;
  readonly commit_message?: string | undefined;
  readonly changed_files?: z.output<typeof eventFiles> | null | undefined;
};

/** What changed, from the diffs of an event alone: lines, and no contents. */
export function changeSetOf(event: Event): ChangeSet {
  const files = event.changed_files ?? [];
  return {
    mode: "payload",
    baseSha: "",
    headSha: event.commit_sha ?? "",
    message: event.commit_message ?? "",
    files: files.map(fileOf).toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    truncated: files.some(({ diff }) => (diff ?? "").length >= CUT_AT),
    capsHit: [],
  };
}

function fileOf(file: z.output<typeof eventFiles>[number]): ChangedFile {
  const diff = file.diff ?? "";
  return {
    path: file.path,
    oldPath: file.old_path ?? null,
    changeType: changeTypeOf(file.change_type),
    before: null,
    after: null,
    ...linesOf(diff),
    isBinary: /^(?:Binary files |GIT binary patch)/m.test(diff),
  };
}

function changeTypeOf(given: string): ChangeType {
  const letter = given.charAt(0).toUpperCase();
  const types: Readonly<Record<string, ChangeType>> = {
    A: "added",
    D: "deleted",
    R: "renamed",
  };
  return types[letter] ?? "modified";
}

type Lines = { readonly added: readonly DiffLine[]; readonly removed: readonly DiffLine[] };

/** Counted where hunks have headers; without one, a line has no number. */
function linesOf(diff: string): Lines {
  const added: DiffLine[] = [];
  const removed: DiffLine[] = [];
  let at: { old: number; new: number } | null = null;
  for (const line of diff.split(/\r?\n/)) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (hunk !== null) at = { old: Number(hunk[1]), new: Number(hunk[2]) };
    else if (at === null && /^(?:---|\+\+\+) /.test(line)) continue;
    else if (line.startsWith("+")) added.push({ line: at && at.new++, text: line.slice(1) });
    else if (line.startsWith("-")) removed.push({ line: at && at.old++, text: line.slice(1) });
    else if (at !== null && line.startsWith(" ")) {
      at.old++;
      at.new++;
    }
  }
  return { added, removed };
}
