/** A change that somebody tells of over HTTP, who wants to know at once whom it concerns. */
import { type Database, enqueueTasks, Refusal, serializePayload } from "../../index.ts";
import {
  type ChangeNotification,
  changeNotification,
  type NotificationResult,
} from "../notification/change-notification.ts";
import { childTask } from "../notification/dependents.ts";
import { concernsNobody, resultOf } from "../notification/fan-out.ts";
import { dependentsOf, notifyChange } from "../store.ts";

type Json = Readonly<Record<string, unknown>>;

/** Where the tasks of a notification wait. */
const PARENT = { queue: "default", metadata: {} };

/**
 * Enqueue the notification, and with it the tasks that its handler would enqueue: this finds them
 * then, by their keys, as it does when it runs again. So is a change that is told twice. Without a
 * look at the source's repository, which may take a minute: what comes before the commit, its
 * dependents find out. Throws a Refusal (422), a PayloadError, and what the database refuses.
 */
export async function receiveChange(
  db: Database,
  given: Json,
  { maxPayloadBytes: maxBytes }: { readonly maxPayloadBytes: number },
): Promise<NotificationResult> {
  const notification = parseChange(given);
  const { event } = notification;
  const { taskId: parentTaskId } = await notifyChange(db, serializePayload(given, { maxBytes }));
  const dependents = await dependentsOf(db, event.source_repo);
  if (dependents.length === 0) {
    return await concernsNobody(db, event.source_repo);
  }
  const tasks = dependents.map((dependent) => {
    const { payload, ...task } = childTask(notification, dependent, {
      parent: PARENT,
      baseSha: event.base_sha,
    });
    return { ...task, parentTaskId, payload: serializePayload(payload, { maxBytes }) };
  });
  return resultOf(event.source_repo, dependents, await enqueueTasks(db, tasks));
}

/** Throws a Refusal that names what is missing. */
function parseChange(given: Json): ChangeNotification {
  const parsed = changeNotification.safeParse(given);
  if (parsed.success) {
    return parsed.data;
  }
  const issues = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new Refusal(422, "invalid_request", issues.join("; "), {
    hint: "needed are source_repo, commit_sha, commit_message and branch; the rest is optional",
  });
}
