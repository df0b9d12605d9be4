import type { RepositoryConfig } from "../../config.ts";
import type { ChangeSet } from "../change-set.ts";
import { changeSetOf } from "./change-set-of.ts";
import { extractTree } from "./extract-tree.ts";
import type { Mirror } from "./mirror-folder.ts";
import { openMirror } from "./open-mirror.ts";
import type { RepositoryPlace } from "./remote.ts";
import type { RepositoryLimits } from "./repository-limits.ts";
import { resolveCommit, SHA } from "./resolve-commit.ts";
import { type RangeRequest, resolveRange } from "./resolve-range.ts";
import type { ScratchTree } from "./scratch-folder.ts";

/** What a triage in git mode is about. */
export type GitChangeRequest = RangeRequest & {
  readonly target: RepositoryPlace;
  /** Paths of the target that no cap on its size cuts off. */
  readonly interfaceFiles: readonly string[];
};

export type GitChange = AsyncDisposable & {
  readonly changeSet: ChangeSet;
  /** The target's default branch, in a folder that goes with this. `revision` is its commit. */
  readonly target: ScratchTree;
  /** For more of them: extractTree(sourceMirror, changeSet.baseSha, …), git(gitDir, …). */
  readonly sourceMirror: Mirror;
  readonly targetMirror: Mirror;
};

export type ReadOptions = {
  readonly signal: AbortSignal;
  /** @default REPOSITORY_LIMITS */
  readonly limits?: RepositoryLimits;
};

/** Whether a commit's name could be one of git's: payload mode takes any. */
export function isGitSha(sha: string): boolean {
  return SHA.test(sha);
}

/**
 * The change of a source between two commits and the target that may depend on it, both from
 * their repositories. Dispose of it to remove the target's files.
 *
 * Throws a PermanentError for a repository or a commit that is not there, a RetryableError
 * for a repository that cannot be reached, the signal's reason when that aborts.
 */
export async function readGitChange(
  request: GitChangeRequest,
  config: RepositoryConfig,
  options: ReadOptions,
): Promise<GitChange> {
  const { signal } = options;
  const range = await resolveRange(request, config, signal);
  const { mirror: sourceMirror } = range;
  const changeSet = await changeSetOf(sourceMirror, range, config, options);

  const targetMirror = await openMirror(request.target, config, { signal });
  const targetCommit = await resolveCommit(targetMirror, null, signal);
  const first = request.interfaceFiles;
  const target = await extractTree(targetMirror, targetCommit, config, { ...options, first });
  const dispose = target[Symbol.asyncDispose];
  return { changeSet, target, sourceMirror, targetMirror, [Symbol.asyncDispose]: dispose };
}
