import type { TreeEdit } from "./decide.ts";
import type { ConflictHunk, Disposition } from "./disposition.ts";

/** What becomes of a change of a file, and what the patch does for it. */
export type Outcome = {
  readonly path: string;
  readonly disposition: Disposition;
  readonly edits: readonly TreeEdit[];
  readonly hunks: readonly ConflictHunk[];
  readonly since: string | null;
};
