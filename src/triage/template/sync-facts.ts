import type { Intent } from "./intent.ts";

/** What the derivative has done with the same files, for a triage the other way round. */
export type OwnChanges = {
  readonly baseSha: string;
  readonly headSha: string;
  /** The message of the newest of them. */
  readonly message: string;
  readonly commits: number;
  /** In the derivative, sorted. */
  readonly paths: readonly string[];
};

/** The facts of a template triage, before anything is judged. Same inputs, same bytes. */
export type SyncFacts = {
  /** Sorted by path. */
  readonly files: readonly SyncedFile[];
  readonly patch: SyncPatch | null;
  /** The newest commit that both histories have; null: none, or nobody knows. */
  readonly mergeBase: string | null;
  /** Commits of the template before the change that the derivative lacks. */
  readonly behind: number;
  /** Commits of the change that the derivative has ported. */
  readonly ported: readonly string[];
  /** Null: none, or it was not asked for. */
  readonly ownChanges: OwnChanges | null;
  readonly isPayloadOnly: boolean;
  readonly truncated: boolean;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

/** What becomes of one file of a change in the derivative. */
const DISPOSITIONS = [
  /** The derivative has the change. */
  "already_present",
  /** It has the file as it was: take the new one. */
  "fast_forward",
  /** It has changes of its own, and both fit together. */
  "merges_cleanly",
  /**
   * Both changed the same lines. What else fits of the change may be in the patch: see isPartial.
   */
  "conflicts",
  /** The derivative has no such file, under any name. */
  "missing",
  /** The template has deleted the file, and the derivative has changed it. */
  "deleted",
  /** Of a concern in which the derivative goes its own way. */
  "skipped_divergent",
  /** Of no concern that the sync_strategy takes over. */
  "skipped_strategy",
  /** Changed on both sides, and no text. */
  "binary",
  /** Changed on both sides, and too large to be merged. */
  "too_large",
  /** A lockfile that both sides have generated: it is generated again. */
  "generated",
  /** Nobody knows, since no more than a part of the change or of the derivative can be seen. */
  "unknown",
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** Lines of a file, from 1, both included. `end` before `start`: between those lines. */
export type LineRange = { readonly start: number; readonly end: number };

/** Where both sides changed the same lines. The texts are for display. */
export type ConflictHunk = {
  readonly derivative: LineRange;
  readonly template: LineRange;
  readonly ours: string;
  readonly theirs: string;
};

/** A file of a change, and what becomes of it. */
export type SyncedFile = {
  /** In the derivative. */
  readonly path: string;
  readonly templatePath: string;
  /** Where the template had it before the change; absent where it has not moved. */
  readonly templateBefore?: string;
  readonly disposition: Disposition;
  readonly concern: string | null;
  /** Shared concerns that it speaks of. */
  readonly shared: readonly string[];
  readonly intent: Intent;
  /** What differs, by key, in formats that are known: `node:20-slim → node:22-slim`. */
  readonly changes: readonly string[];
  readonly hunks: readonly ConflictHunk[];
  /** Of a diff without its repository: the hunks of it that do not fit, as git writes them. */
  readonly rejects: string | null;
  /** Whether the patch has those parts of its change that do not conflict. */
  readonly isPartial: boolean;
  /** The template's commit since which all changes of the file were merged; null: this change. */
  readonly since: string | null;
};

/** Dispositions that put something into the patch. */
export function applies({ disposition }: Pick<SyncedFile, "disposition">): boolean {
  return disposition === "fast_forward" || disposition === "merges_cleanly";
}

/** Dispositions that leave a person to do it. */
export function needsHand({ disposition }: Pick<SyncedFile, "disposition">): boolean {
  return ["conflicts", "deleted", "binary", "too_large", "unknown"].includes(disposition);
}

/** A patch that makes of the derivative's tree the one that was expected. */
export type SyncPatch = {
  readonly content: string;
  readonly bytes: number;
  readonly sha256: string;
};
