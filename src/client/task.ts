import type { HistoryRow, ListedRow, TaskRow } from "../database/rows.ts";

/** What a list says of a task. Ids are decimal text, because bigint is wider than number. */
export type ListedTask = {
  readonly taskId: string;
  readonly taskType: string;
  readonly queue: string;
  /** 0 critical, 1 high, 2 medium, 3 low. */
  readonly priority: number;
  readonly status: TaskRow["status"];
  /** Not before this time; after a failure, the time of the next attempt. */
  readonly runAt: Date;
  /** How often it was claimed; only grows. */
  readonly attemptCount: number;
  /** Failed attempts, of which maxAttempts are allowed. */
  readonly failureCount: number;
  readonly maxAttempts: number;
  /** Attempts whose worker died. */
  readonly rescueCount: number;
  /** Who holds it, or held it last; null while it waits. */
  readonly workerId: string | null;
  readonly cancelRequestedAt: Date | null;
  /** 0 to 100, or null where the handler says nothing. */
  readonly progressPct: number | null;
  readonly currentStep: string | null;
  /** Of the newest attempt that did not finish. */
  readonly error: string | null;
  /** What a person is asked, while status is needs_decision. */
  readonly decisionPrompt: string | null;
  readonly dedupeKey: string | null;
  readonly parentTaskId: string | null;
  readonly rootTaskId: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  /** Null unless it is finished, failed or cancelled. */
  readonly endedAt: Date | null;
};

/** A task with what it carries. */
export type Task<Payload = Record<string, unknown>, Result = unknown> = ListedTask & {
  readonly payload: Payload;
  /** What the handler returned; null unless it finished (or was asked with a partial one). */
  readonly result: Result | null;
  readonly decision: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** One transition of a task. */
export type HistoryEntry = {
  readonly historyId: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly at: Date;
  readonly event: string;
  /** After the event. */
  readonly status: string;
  readonly attemptCount: number;
  readonly workerId: string | null;
  /** Name of that worker. */
  readonly worker: string | null;
  /** Who made it: `worker`, what the caller named itself, or its login. */
  readonly actor: string;
  /** The login whose session made it, whatever the caller named itself; null in older rows. */
  readonly login: string | null;
  readonly error: string | null;
  /** Of a claim: milliseconds from due to started. */
  readonly waitMs: number | null;
  /** Of the end of an attempt: milliseconds from started to ended. */
  readonly durationMs: number | null;
  readonly detail: unknown;
};

export function toListedTask(row: ListedRow): ListedTask {
  return {
    taskId: row.task_id,
    taskType: row.task_type,
    queue: row.queue,
    priority: row.priority,
    status: row.status,
    runAt: row.run_at,
    attemptCount: row.attempt_count,
    failureCount: row.failure_count,
    maxAttempts: row.max_attempts,
    rescueCount: row.rescue_count,
    workerId: row.worker_id,
    cancelRequestedAt: row.cancel_requested_at,
    progressPct: row.progress_pct,
    currentStep: row.current_step,
    error: row.error,
    decisionPrompt: row.decision_prompt,
    dedupeKey: row.dedupe_key,
    parentTaskId: row.parent_task_id,
    rootTaskId: row.root_task_id,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

export function toTask(row: TaskRow): Task {
  return {
    ...toListedTask(row),
    payload: row.payload,
    result: row.result,
    decision: row.decision,
    metadata: row.metadata,
  };
}

export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  return {
    historyId: row.history_id,
    taskId: row.task_id,
    taskType: row.task_type,
    at: row.at,
    event: row.event,
    status: row.status,
    attemptCount: row.attempt_count,
    workerId: row.worker_id,
    worker: row.worker,
    actor: row.actor,
    login: row.login,
    error: row.error,
    waitMs: row.wait_ms,
    durationMs: row.duration_ms,
    detail: row.detail,
  };
}
