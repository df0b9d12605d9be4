import { hash } from "node:crypto";
import type { ChildTask, HandlerContext } from "../../index.ts";
import { withoutPaths } from "../sources/event/change-event.ts";
import type { Dependent } from "../store.ts";
import type { ChangeNotification } from "./change-notification.ts";

/**
 * A child may end before its event is told again: by a second delivery, or because its parent
 * is tried again. It must not be made again then. Longer than final tasks are kept by default.
 */
const KEY_HELD_MS = 30 * 86_400_000;

/** The task of one dependent, in the queue of the notification. */
export function childTask(
  { given, event }: ChangeNotification,
  dependent: Dependent,
  { parent, baseSha }: Told,
): ChildTask {
  const { task_type, target_repo, relationship_type, relationship_config } = dependent;
  const told = withoutPaths(given);
  return {
    taskType: task_type,
    payload: {
      source_repo: event.source_repo,
      target_repo,
      change_event: baseSha === null ? told : { ...told, base_sha: baseSha },
      relationship_config,
    },
    queue: parent.queue,
    metadata: parent.metadata,
    dedupeKey: keyOf([...partsOf(event), task_type, target_repo, relationship_type]),
    dedupeForMs: KEY_HELD_MS,
  };
}

type Told = {
  readonly parent: HandlerContext["task"];
  /** The commit before; null where nobody has found it out. */
  readonly baseSha: string | null;
};

/** What makes an event the same one. A commit may publish several packages. */
function partsOf(event: ChangeNotification["event"]): unknown[] {
  const { source_repo, commit_sha, branch, package: upgrade } = event;
  const released = upgrade == null ? [] : [upgrade.name, upgrade.from, upgrade.to];
  return [source_repo, commit_sha, branch.trim().replace(/^refs\/heads\//, ""), ...released];
}

function keyOf(parts: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(parts));
}
