export const CHANGE_TYPES = ["added", "modified", "deleted", "renamed"] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** A line of a diff. `line` counts from 1; null where the diff has no headers to count from. */
export type DiffLine = { readonly line: number | null; readonly text: string };

/** One file of a change. Paths are relative to the root of the repository, with slashes. */
export type ChangedFile = {
  readonly path: string;
  /** Where it was before, if it was renamed; else null. */
  readonly oldPath: string | null;
  readonly changeType: ChangeType;
  /** Whole contents, where they are known: git mode knows them, payload mode does not. */
  readonly before: string | null;
  readonly after: string | null;
  /** Lines that came, counted in the new file, and that went, counted in the old one. */
  readonly added: readonly DiffLine[];
  readonly removed: readonly DiffLine[];
  readonly isBinary: boolean;
};

/** What changed in a provider or a template, wherever that is known from. */
export type ChangeSet = {
  readonly mode: "git" | "payload";
  /** Commits, or what the producer of the event called them. */
  readonly baseSha: string;
  readonly headSha: string;
  readonly message: string;
  /** Sorted by path; without generated and vendored files, but with lockfiles. */
  readonly files: readonly ChangedFile[];
  /** Whether a producer cut diffs off. */
  readonly truncated: boolean;
  /** Names of the caps that cut something off. */
  readonly capsHit: readonly string[];
};
