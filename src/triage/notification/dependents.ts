import type { ChildTask, HandlerContext } from "../../index.ts";
import { CHILD_KEY_HELD_MS, dedupeKeyOf } from "../facts/cache-key.ts";
import { withoutPaths } from "../sources/event/change-event.ts";
import type { Dependent } from "../store.ts";
import type { ChangeNotification } from "./change-notification.ts";

/** The task of one dependent, in the queue of the notification. */
export function childTask(
  { given, event }: ChangeNotification,
  dependent: Dependent,
  { parent, baseSha }: Notified,
): ChildTask {
  const { task_type, target_repo, relationship_type, relationship_config } = dependent;
  const sent = withoutPaths(given);
  return {
    taskType: task_type,
    payload: {
      source_repo: event.source_repo,
      target_repo,
      change_event: baseSha === null ? sent : { ...sent, base_sha: baseSha },
      relationship_config,
    },
    queue: parent.queue,
    metadata: parent.metadata,
    dedupeKey: dedupeKeyOf([...partsOf(event), task_type, target_repo, relationship_type]),
    dedupeForMs: CHILD_KEY_HELD_MS,
  };
}

type Notified = {
  readonly parent: Pick<HandlerContext["task"], "queue" | "metadata">;
  /** The commit before; null where nobody has found it out. */
  readonly baseSha: string | null;
};

/** What makes an event the same one. A commit may publish several packages. */
function partsOf(event: ChangeNotification["event"]): unknown[] {
  const { source_repo, commit_sha, branch, package: upgrade } = event;
  const released = upgrade == null ? [] : [upgrade.name, upgrade.from, upgrade.to];
  return [source_repo, commit_sha, branch.trim().replace(/^refs\/heads\//, ""), ...released];
}
