import { createHash } from "node:crypto";
import type { HandlerContext } from "../../handler.ts";
import type { ChildTask } from "../../new-task.ts";
import type { ChangeNotification } from "./change-notification.ts";
import type { Dependent } from "./dependents.ts";

/**
 * A child may end before its parent is tried again, by a crash or by an operator, and must
 * not be made again then. Longer than final tasks are kept by default.
 */
const KEY_HELD_MS = 30 * 86_400_000;

/** The task of one dependent, in the queue of the notification. */
export function childTask(
  event: ChangeNotification,
  dependent: Dependent,
  parent: HandlerContext["task"],
): ChildTask {
  const { task_type, target_repo, relationship_type, relationship_config } = dependent;
  return {
    taskType: task_type,
    payload: {
      source_repo: event.source_repo,
      target_repo,
      change_event: event,
      relationship_config,
    },
    queue: parent.queue,
    metadata: parent.metadata,
    dedupeKey: keyOf([parent.taskId, task_type, target_repo, relationship_type]),
    dedupeForMs: KEY_HELD_MS,
  };
}

function keyOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
