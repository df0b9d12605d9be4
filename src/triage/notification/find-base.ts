import type { RepositoryConfig } from "../../config.ts";
import type { HandlerContext } from "../../handler.ts";
import { PermanentError, RetryableError } from "../../outcome.ts";
import { isGitSha } from "../repository/resolve-commit.ts";
import { resolveRange } from "../repository/resolve-range.ts";
import { sourcePlace } from "../repository/source-place.ts";
import type { ChangeNotification } from "./change-notification.ts";
import type { Dependent } from "./dependents.ts";

/** Milliseconds for the source's repository: its dependents can do without. */
const LIMIT_MS = 60_000;

export type FindBaseOptions = Pick<HandlerContext, "signal" | "logger"> & {
  readonly repositories: RepositoryConfig;
  /** @default LIMIT_MS */
  readonly limitMs?: number;
};

/**
 * The commit before the one that an event tells of: its `base_sha`, else the first parent. On
 * the way the source's mirror is brought up to date, once for all dependents. Null where there
 * is none, the event names no commit of git, or the repository cannot be had: the log says
 * so, and the dependents go on with what the event says. Rejects with the signal's reason.
 */
export async function findBase(
  { source_repo, commit_sha, base_sha, repo_url, package: upgrade }: ChangeNotification["event"],
  dependents: readonly Dependent[],
  { signal, logger, repositories, limitMs = LIMIT_MS }: FindBaseOptions,
): Promise<string | null> {
  if (!isGitSha(commit_sha) || upgrade != null) return base_sha;
  const registered = dependents
    .map(({ relationship_config: config }) => config["source_clone_url"])
    .find((url) => typeof url === "string");
  const source = sourcePlace(source_repo, { registered, told: repo_url });
  const request = { source, headSha: commit_sha, baseSha: base_sha };
  const limit = AbortSignal.timeout(limitMs);
  try {
    const stop = AbortSignal.any([signal, limit]);
    const { base, isFirst } = await resolveRange(request, repositories, stop);
    return isFirst ? null : base;
  } catch (err) {
    signal.throwIfAborted();
    const isAnswer = err instanceof PermanentError || err instanceof RetryableError;
    if (!isAnswer && !limit.aborted) throw err;
    logger.warn({ err, sourceRepo: source_repo }, "source repository not read");
    return base_sha;
  }
}
