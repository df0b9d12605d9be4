import type { RepositoryConfig } from "../../config.ts";
import type { Mirror } from "./mirror-folder.ts";
import { openMirror } from "./open-mirror.ts";
import type { RepositoryPlace } from "./remote.ts";
import { firstParentOf, resolveCommit } from "./resolve-commit.ts";

/** A change by the names of its commits. */
export type RangeRequest = {
  readonly source: RepositoryPlace;
  /** The commit that the event tells of. */
  readonly headSha: string;
  /** Null: the first parent of the head. */
  readonly baseSha: string | null;
};

/** Two commits in the mirror that has them. `base` is the empty tree for a first commit. */
export type CommitRange = { readonly mirror: Mirror; readonly base: string; readonly head: string };

/**
 * Bring the source's mirror up to date as far as two commits need it, and find their full ids.
 * Throws a PermanentError for a repository or a commit that is not there, a RetryableError
 * for a repository that cannot be reached, the signal's reason when that aborts.
 */
export async function resolveRange(
  { source, headSha, baseSha }: RangeRequest,
  config: RepositoryConfig,
  signal: AbortSignal,
): Promise<CommitRange> {
  const commits = [headSha, ...(baseSha === null ? [] : [baseSha])];
  const mirror = await openMirror(source, config, { signal, commits });
  const head = await resolveCommit(mirror, headSha, signal);
  const base =
    baseSha === null
      ? await firstParentOf(mirror, head, signal)
      : await resolveCommit(mirror, baseSha, signal);
  return { mirror, base, head };
}
