import { isFinal, TASK_STATUSES, type TaskStatus, TRANSITIONS } from "./task-status.ts";

/** A step of a task's history: the status before, the event, the status after. */
export type RecordedMove = {
  readonly before: TaskStatus | "none";
  readonly event: string;
  readonly after: TaskStatus;
};

/** What a statement by hand may do. Matches the trigger live_tasks_refuse_transition. */
const BY_HAND: Partial<Record<TaskStatus, readonly TaskStatus[]>> = {
  queued: ["started", "cancelled"],
  started: TASK_STATUSES.filter((status) => status !== "started"),
  needs_decision: ["queued", "cancelled"],
};

/**
 * Every step that may stand in task_history: the transitions, what is recorded though the
 * status stays, and what a person may do with an update. How a row that was inserted by hand
 * begins is not told here: it may begin anywhere.
 */
export function recordedMoves(): RecordedMove[] {
  return [
    { before: "none", event: "enqueue", after: "queued" },
    // What ended in another system.
    ...TASK_STATUSES.filter(isFinal).map((after) => ({
      before: "none" as const,
      event: "import",
      after,
    })),
    { before: "queued", event: "replace", after: "queued" },
    // The request; the cancel itself is a transition.
    { before: "started", event: "cancel", after: "started" },
    ...TASK_STATUSES.flatMap((before) =>
      Object.entries(TRANSITIONS[before]).flatMap(([event, targets]) =>
        targets.map((after) => ({ before, event, after })),
      ),
    ),
    ...TASK_STATUSES.flatMap((before) =>
      // The status itself: a change of cancel_requested_at is recorded too.
      [...(before in BY_HAND ? [before] : []), ...(BY_HAND[before] ?? [])].map((after) => ({
        before,
        event: "manual",
        after,
      })),
    ),
  ];
}
