import type { RepositoryConfig } from "../../config.ts";
import type { HandlerContext } from "../../handler.ts";
import type { ChildTask } from "../../new-task.ts";
import { PermanentError } from "../../outcome.ts";
import { PayloadError } from "../../payload.ts";
import type { ChangeNotification, NotificationResult } from "./change-notification.ts";
import { childTask } from "./child-tasks.ts";
import { type Dependent, dependentsOf, isRegistered } from "./dependents.ts";
import { findBase } from "./find-base.ts";

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
  const dependents = await dependentsOf(context.query, source_repo);
  if (dependents.length === 0) {
    const reason = (await isRegistered(context.query, source_repo))
      ? "has no consumers and no derivatives"
      : "is not registered (triaged relationships list shows what is)";
    return {
      ...resultOf(source_repo, []),
      status: "no_relationships",
      message: `${source_repo} ${reason}; say who depends on it: triaged relationships add`,
    };
  }
  const { signal, logger } = context;
  const options = { signal, logger, repositories };
  const baseSha = await findBase(notification.event, dependents, options);
  const enqueued = await enqueueAll(
    dependents.map((one) => childTask(notification, one, { parent: context.task, baseSha })),
    context,
  );
  return resultOf(
    source_repo,
    dependents.map((dependent, place) => ({
      ...dependent,
      taskId: enqueued[place]?.taskId ?? "",
    })),
  );
}

type Context = Pick<HandlerContext, "task" | "enqueue" | "query" | "signal" | "logger">;

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

function resultOf(
  sourceRepo: string,
  scheduled: readonly (Dependent & { taskId: string })[],
): NotificationResult {
  const withRole = (role: Dependent["role"]) =>
    scheduled
      .filter((one) => one.role === role)
      .map(({ target_repo, taskId }) => ({ repo: target_repo, task_id: taskId }));
  return {
    status: "accepted",
    source_repo: sourceRepo,
    consumers_scheduled: withRole("consumer"),
    derivatives_scheduled: withRole("derivative"),
    parents_scheduled: withRole("parent"),
    total_dependents: scheduled.length,
  };
}
