import { z } from "zod";

const name = z.string().trim().min(1, { error: "expected some text, got none" }).max(1_000);

/**
 * What happened in a repository. Of all that producers send, four keys are demanded; the
 * rest goes to the handlers of the dependents as it came.
 */
const changeEvent = z.looseObject({
  source_repo: name,
  commit_sha: name,
  commit_message: z.string(),
  branch: name,
});

/**
 * A payload of `change_notification`: `{source_repo, change_event}` as notify_change makes
 * it, or the event alone. It parses to the event.
 */
export const changeNotification = z
  .looseObject({})
  .transform((payload): unknown => {
    const { change_event: event, source_repo: sourceRepo } = payload;
    return isRecord(event) ? { source_repo: sourceRepo, ...event } : payload;
  })
  .pipe(changeEvent);
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
