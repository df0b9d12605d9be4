import { z } from "zod";
import { isRecord } from "../../index.ts";
import { boundedPayload, changeEvent } from "../sources/event/change-event.ts";

const notification = z.looseObject({}).transform((payload, context) => {
  const { change_event: inner, source_repo: sourceRepo } = payload;
  const given = isRecord(inner) ? { source_repo: sourceRepo, ...inner } : payload;
  const parsed = changeEvent.safeParse(given);
  if (parsed.success) return { given, event: parsed.data };
  for (const { message, path } of parsed.error.issues) {
    context.issues.push({ code: "custom", message, path, input: given });
  }
  return z.NEVER;
});
/**
 * A payload of `change_notification`: `{source_repo, change_event}` as notify_change makes
 * it, or the event alone. It parses to the event as it is understood here, and as it came:
 * that goes to the handlers of the dependents.
 */
export const changeNotification = boundedPayload(notification);
export type ChangeNotification = z.output<typeof changeNotification>;

const Scheduled = z.array(z.object({ repo: z.string(), task_id: z.string() }));

/** What became of a notification. */
export const notificationResult = z.object({
  status: z.enum(["accepted", "no_relationships"]),
  source_repo: z.string(),
  consumers_scheduled: Scheduled,
  derivatives_scheduled: Scheduled,
  /** Templates that the source is a bidirectional derivative of. */
  parents_scheduled: Scheduled,
  total_dependents: z.int(),
  /** For a person, where nothing was scheduled. */
  message: z.string().optional(),
});
export type NotificationResult = z.output<typeof notificationResult>;
