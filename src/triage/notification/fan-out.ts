import {
  type ChildTask,
  type Database,
  databaseOf,
  type Enqueued,
  type HandlerContext,
  PayloadError,
  PermanentError,
  type RepositoryConfig,
  RetryableError,
} from "../../index.ts";
import { sourceRepository } from "../sources/git/remote.ts";
import { isGitSha, resolveRange } from "../sources/git/resolve-commit.ts";
import { type Dependent, dependentsOf, isRegistered } from "../store.ts";
import type { ChangeNotification, NotificationResult } from "./change-notification.ts";
import { childTask } from "./dependents.ts";

/**
 * Enqueue a task for each dependent of the source, all or none. Called again for the same
 * event, it finds those that were enqueued before, and answers with their ids.
 */
export async function fanOut(
  notification: ChangeNotification,
  context: Context,
  repositories: RepositoryConfig,
): Promise<NotificationResult> {
  const { source_repo } = notification.event;
  const db = databaseOf(context);
  const dependents = await dependentsOf(db, source_repo);
  if (dependents.length === 0) {
    return await concernsNobody(db, source_repo);
  }
  const { signal, logger } = context;
  const options = { signal, logger, repositories };
  const baseSha = await findBase(notification.event, dependents, options);
  const enqueued = await enqueueAll(
    dependents.map((one) => childTask(notification, one, { parent: context.task, baseSha })),
    context,
  );
  return resultOf(source_repo, dependents, enqueued);
}

/** What is said of a change that has no dependents. */
export async function concernsNobody(
  db: Database,
  sourceRepo: string,
): Promise<NotificationResult> {
  const reason = (await isRegistered(db, sourceRepo))
    ? "has no consumers and no derivatives"
    : "is not registered (triaged relationships list shows what is)";
  return {
    ...resultOf(sourceRepo, [], []),
    status: "no_relationships",
    message: `${sourceRepo} ${reason}; say who depends on it: triaged relationships add`,
  };
}

type Context = Pick<HandlerContext, "task" | "enqueue" | "signal" | "logger">;

async function enqueueAll(tasks: readonly ChildTask[], { enqueue }: Context) {
  try {
    return await enqueue(tasks);
  } catch (err) {
    // The event fitted into one payload, but not together with a relationship.
    const isTooLarge =
      err instanceof PayloadError || (err instanceof Error && Reflect.get(err, "code") === "TR003");
    throw isTooLarge ? new PermanentError("the event is too large", { cause: err }) : err;
  }
}

/** The tasks of dependents, in the order of these. */
export function resultOf(
  sourceRepo: string,
  dependents: readonly Dependent[],
  enqueued: readonly Enqueued[],
): NotificationResult {
  const scheduled = dependents.map(({ role, target_repo: repo }, index) => ({
    role,
    repo,
    task_id: enqueued[index]?.taskId ?? "",
  }));
  const withRole = (role: Dependent["role"]) =>
    scheduled.filter((one) => one.role === role).map(({ repo, task_id }) => ({ repo, task_id }));
  return {
    status: "accepted",
    source_repo: sourceRepo,
    consumers_scheduled: withRole("consumer"),
    derivatives_scheduled: withRole("derivative"),
    parents_scheduled: withRole("parent"),
    total_dependents: scheduled.length,
  };
}

/** Milliseconds for the source's repository: its dependents can do without. */
const LIMIT_MS = 60_000;

type FindBaseOptions = Pick<HandlerContext, "signal" | "logger"> & {
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
  const source = sourceRepository(source_repo, { registered, told: repo_url });
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
