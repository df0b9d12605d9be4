import type { SyncedFile } from "./disposition.ts";
import type { SyncPatch } from "./sync-patch.ts";

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
