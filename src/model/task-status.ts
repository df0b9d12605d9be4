/**
 * The life of a task, as data.
 *
 * sql/functions holds the statements that move a task, and sql/triggers refuses any
 * other move; this table says which moves there are. test/sql/transitions.test.ts
 * proves that the three agree.
 */

/** The statuses of a task, in life order. Matches the constraint tasks_status_known. */
export const TASK_STATUSES = [
  "queued",
  "started",
  "needs_decision",
  "finished",
  "failed",
  "cancelled",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** What can happen to a task after enqueue. Each event is one function of sql/functions. */
export type TaskEvent =
  | "claim"
  | "finish"
  | "fail"
  | "snooze"
  | "release"
  | "rescue"
  | "ask"
  | "decide"
  | "cancel"
  | "retry";

/** Where each event may lead. An absent event is illegal and changes nothing. */
export const TRANSITIONS: Record<TaskStatus, Partial<Record<TaskEvent, readonly TaskStatus[]>>> = {
  queued: { claim: ["started"], cancel: ["cancelled"] },
  started: {
    finish: ["finished"],
    fail: ["queued", "failed", "cancelled"],
    snooze: ["queued", "cancelled"],
    release: ["queued", "cancelled"],
    rescue: ["queued", "failed", "cancelled"],
    ask: ["needs_decision", "cancelled"],
    // By the worker, once somebody asked for it; the request itself moves nothing.
    cancel: ["cancelled"],
  },
  needs_decision: { decide: ["queued"], cancel: ["cancelled"] },
  finished: {},
  failed: { retry: ["queued"] },
  cancelled: { retry: ["queued"] },
};

/** A final task never runs again, unless an operator retries it. */
export function isFinal(status: TaskStatus): boolean {
  return status === "finished" || status === "failed" || status === "cancelled";
}

/** How older systems call statuses. `blocked` waits for another task, which no task does here. */
const STATUS_WORDS: Readonly<Record<string, TaskStatus | "blocked">> = {
  queued: "queued",
  pending: "queued",
  submitted: "queued",
  started: "started",
  running: "started",
  working: "started",
  in_progress: "started",
  processing: "started",
  needs_decision: "needs_decision",
  input_required: "needs_decision",
  finished: "finished",
  completed: "finished",
  failed: "failed",
  rejected: "failed",
  cancelled: "cancelled",
  canceled: "cancelled",
  blocked: "blocked",
};

/** The status that a word of an older system means, in any case; undefined: none. */
export function readStatus(word: string, error?: unknown): TaskStatus | "blocked" | undefined {
  const name = word
    .trim()
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[- ]/g, "_")
    .toLowerCase()
    .replace(/^task_state_/, "");
  const status = Object.hasOwn(STATUS_WORDS, name) ? STATUS_WORDS[name] : undefined;
  // What the orchestrator wrote, since it had no such status.
  const isCancel = typeof error === "string" && /^\s*(task (was )?)?cancell?ed\b/i.test(error);
  return status === "failed" && isCancel ? "cancelled" : status;
}

/** A step of a task's history: the status before, the event, the status after. */
type RecordedMove = {
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
    // Another priority or time.
    ...TASK_STATUSES.filter((status) => !isFinal(status)).map((status) => ({
      before: status,
      event: "change",
      after: status,
    })),
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
