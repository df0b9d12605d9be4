/**
 * The contract of the database: every verb that TypeScript asks of the queue's SQL, in the order
 * of a task's life.
 *
 * It is an interface, so that signatures, units and errors of all verbs are read here, without
 * their SQL, and nothing of it is there when the program runs. Its verbs are properties, since
 * the compiler accepts a method that wants more of its arguments than is promised. The files that
 * its headings name implement it: each verb is a function of the type that stands here
 * (`Queue["claimTasks"]`) and annotates no parameter of its own, so that both cannot differ; an
 * editor shows this text at each call. Callers import that function: from a caller to its SQL it
 * is one file, and no object of fifty functions is handed around. A list of re-exports would have
 * been the other way to have one page; it shows no signatures, and the heartbeat thread would load
 * all verbs to use a few.
 *
 * Not here: what doctor and verify look at (server-facts.ts, queue-facts.ts, verify/), migrations,
 * and graphile-worker's tables. No SQL text stands outside of this folder and sql/, but triage's
 * in src/triage/store.ts; test/unit/scripts/sql-literals.test.ts holds all files to it.
 *
 * `db` is a pool, or a transaction of the caller's. Each verb rejects with the error of the driver,
 * whose SQLSTATE tells whether it passes by itself (sqlstate.ts). Named are the errors that a
 * caller may expect beside those: TR001 unknown task, TR002 not possible in its status, TR003 too
 * large, 22023 invalid argument. What comes of an expected race (somebody else has the task by
 * now) is an answer, not an error.
 *
 * Ids are decimal text, since bigint is wider than number. Numbers whose name ends in `Ms` are
 * milliseconds. The clock that counts is the server's.
 */
import type { EffectStatus } from "../model/effect.ts";
import type { parseExactly } from "../model/json.ts";
import type { Attempt, ClaimedTask, Enqueued, Lane, NewTask, TaskInput } from "../model/task.ts";
import type { TaskStatus } from "../model/task-status.ts";
import type {
  CountLimits,
  EffectEnd,
  EffectFilter,
  HistoryRange,
  HistoryTold,
  Pausable,
  PushReceiver,
  Registration,
  TaskFilter,
} from "./arguments.ts";
import type { Database } from "./database.ts";
import type * as rows from "./rows.ts";

export interface Queue {
  // ---- Enqueue: producer.ts ----

  /**
   * Enqueue one task. With `delayMs` in place of `runAt` it is due so long from now on. Rejects with
   * 22023, and with TR003 where payload or metadata are too long; a RangeError for an invalid Date.
   */
  readonly enqueueTask: (
    db: Database,
    task: NewTask & { readonly delayMs?: number | undefined },
  ) => Promise<Enqueued>;

  /**
   * Enqueue many in one statement: all, or none where one is refused. Answers in the given order.
   * Rejects as enqueueTask does, and with a PayloadError where they are too long together.
   */
  readonly enqueueTasks: (db: Database, tasks: readonly NewTask[]) => Promise<Enqueued[]>;

  // ---- One attempt, from its claim to its end: attempts.ts ----

  /**
   * Claim up to `limit` due tasks, lane by lane in the given order; the answer has no order. Empty
   * when nothing is due, and for a worker that was declared dead. Lanes that are paused, or that the
   * worker did not register, are passed over. Input longer than `inputBytesMax` is left to
   * loadInput.
   */
  readonly claimTasks: (
    db: Database,
    options: {
      readonly workerId: string;
      readonly limit: number;
      readonly lanes: readonly Lane[];
      readonly inputBytesMax: number;
    },
  ) => Promise<ClaimedTask[]>;

  /** The input that a claim left out. Null where the attempt does not hold its task any more. */
  readonly loadInput: (db: Database, attempt: Attempt) => Promise<TaskInput | null>;

  /**
   * Say how far an attempt is, `percent` from 0 to 100. False where it no longer holds the task;
   * nothing was written then.
   */
  readonly reportProgress: (
    db: Database,
    attempt: Attempt,
    progress: { readonly percent: number; readonly step: string | null },
  ) => Promise<boolean>;

  /**
   * Record the ends of `count` attempts in one statement. `outcomes` is a JSON array with an object
   * for each attempt, as sql/functions/settle describes it: `{"task_id": 1, "attempt": 2,
   * "outcome": "finish", "result": …}`. `effects`, where there are any, is one of `{"task_id": 1,
   * "attempt": 2, "kind": "webhook", "key": …, "payload": {…}}`.
   *
   * Answers the attempts that were settled, or "all", which is what nearly every settle comes to.
   * The caller no longer holds the others, and nothing was written about them. Rejects with 22023,
   * and settles none, where an outcome or a value is not one.
   */
  readonly settleTasks: (
    db: Database,
    batch: {
      readonly outcomes: string;
      readonly effects?: string | null;
      readonly count: number;
    },
  ) => Promise<Attempt[] | "all">;

  /** Settle no task: tells whether any could be, and has the session make its plans. */
  readonly settleNothing: (
    db: Database,
    options?: { readonly withEffects?: boolean },
  ) => Promise<void>;

  // ---- Workers: their life, their heartbeat, and the rescue of what they held: workers.ts ----

  /**
   * Begin the life of a worker process. Answers its worker_id, which is never used again. Rejects
   * with 22023 where it handles nothing, or what it says cannot be.
   */
  readonly registerWorker: (db: Database, worker: Registration) => Promise<string>;

  /**
   * Show that the process lives, for as long as the session of `db` does: one of the worker's own,
   * not a pool. False where another session has the lock, or the worker was declared dead.
   */
  readonly lockWorker: (db: Database, workerId: string) => Promise<boolean>;

  /** Renew the lease, and learn which attempts somebody wants cancelled. */
  readonly heartbeatWorker: (
    db: Database,
    workerId: string,
  ) => Promise<{
    /** False once the worker was declared dead: it drops what it runs, and registers again. */
    readonly held: boolean;
    readonly cancelRequests: readonly Attempt[];
  }>;

  /** The attempts of a worker that somebody wants cancelled. */
  readonly readCancelRequests: (db: Database, workerId: string) => Promise<Attempt[]>;

  /** The attempts that a worker holds, whether it knows of them or not. */
  readonly heldAttempts: (db: Database, workerId: string) => Promise<Attempt[]>;

  /**
   * Release what the worker holds beside the attempts that it knows: tasks of a claim whose answer
   * was lost. Answers how many. Not while a claim of the worker is under way.
   */
  readonly releaseUnknownTasks: (
    db: Database,
    workerId: string,
    known: readonly Attempt[],
  ) => Promise<number>;

  /** End a worker; what it still holds is released. The reason is kept with the worker. */
  readonly endWorker: (db: Database, workerId: string, reason: string) => Promise<void>;

  /**
   * Take back the tasks of up to `maxWorkers` workers that are found dead. A task with which
   * `maxRescues` workers died is failed. Answers the tasks with the status that they have now.
   */
  readonly rescueTasks: (
    db: Database,
    options: { readonly maxWorkers: number; readonly maxRescues: number },
  ) => Promise<{ taskId: string; status: TaskStatus }[]>;

  /** Take back what the workers of a process hold that was seen to exit. */
  readonly rescueProcess: (
    db: Database,
    process: { readonly host: string; readonly pid: number; readonly maxRescues: number },
  ) => Promise<rows.RescuedWorker[]>;

  /** Bring forward what waits for a clock that has gone back. Answers how many tasks. */
  readonly mendSetback: (db: Database) => Promise<number>;

  /** The task types that workers handle which have not ended, by name. */
  readonly handledTaskTypes: (db: Database) => Promise<string[]>;

  // ---- What people do: operator.ts ----

  /**
   * `requested`: the task runs; its worker aborts it, and a task that finishes first is finished.
   * Rejects with TR001, and with TR002 for a task that has ended.
   */
  readonly cancelTask: (db: Database, taskId: string) => Promise<CancelOutcome>;

  /**
   * Queue a task again that failed or was cancelled, due at once and with its whole budget of
   * attempts. Rejects with TR001, and with TR002 for another status or a dedupe key that is taken.
   */
  readonly retryTask: (db: Database, taskId: string) => Promise<void>;

  /**
   * Queue a task again that waits for a decision; its next attempt gets it. Any JSON. Rejects with
   * TR001, TR002 for a task that waits for none, and TR003.
   */
  readonly decideTask: (db: Database, taskId: string, decision: unknown) => Promise<void>;

  /** The newest tasks that ended so, for a retry of them all. At most `limit` ids. */
  readonly endedTaskIds: (
    db: Database,
    filter: {
      readonly status: "failed" | "cancelled";
      readonly taskType?: string | undefined;
      readonly queue?: string | undefined;
      readonly limit: number;
    },
  ) => Promise<string[]>;

  /** Claim nothing more of it. What is started goes on; it stays paused since the first time. */
  readonly pauseClaiming: (db: Database, what: Pausable) => Promise<void>;

  readonly resumeClaiming: (db: Database, what: Pausable) => Promise<void>;

  /** What is paused, at most `limit`, by kind and name. */
  readonly listPauses: (db: Database, limit: number) => Promise<rows.Pause[]>;

  /** The names of queues or task types that a worker, a live task or a setting knows. */
  readonly pausableNames: (db: Database, kind: Pausable["kind"]) => Promise<string[]>;

  /** What the queue goes by on every host. */
  readonly readQueueSettings: (db: Database) => Promise<rows.Setting[]>;

  /**
   * Change a setting of the queue; with `onlyDefault`, unless somebody has before ("kept"). Rejects
   * with 22023 for an unknown name or a value that does not fit. Needs the rights of the owner.
   */
  readonly saveQueueSetting: (
    db: Database,
    setting: { readonly name: string; readonly value: string; readonly onlyDefault?: boolean },
  ) => Promise<"changed" | "unchanged" | "kept">;

  // ---- Tasks as people read them: reader.ts ----

  /**
   * A task in any status, or null. Integers that a number would round are bigints, and `decimals` is
   * that of parseExactly.
   */
  readonly getTask: (
    db: Database,
    taskId: string,
    options?: Parameters<typeof parseExactly>[1],
  ) => Promise<rows.TaskRow | null>;

  /** How far a task is, or null for an unknown one. Asks no partition while the task is live. */
  readonly getProgress: (db: Database, taskId: string) => Promise<rows.TaskProgress | null>;

  /** Tasks, the newest first. */
  readonly listTasks: (db: Database, filter: TaskFilter) => Promise<rows.ListedRow[]>;

  /** The same, and what `after` is for the next page; null behind the last. */
  readonly pageTasks: (
    db: Database,
    filter: TaskFilter,
  ) => Promise<{ readonly rows: rows.ListedRow[]; readonly next: string | null }>;

  /** How many tasks there are; counts at most `countMax`. */
  readonly countTasks: (
    db: Database,
    filter: Omit<TaskFilter, "limit" | "after" | "offset"> & { readonly countMax: number },
  ) => Promise<number>;

  /** How many tasks there are in each status that has any, by no scan of them. */
  readonly countByStatus: (db: Database, limits?: CountLimits) => Promise<rows.StatusCounts>;

  /**
   * The newest transitions of a task, the oldest of them first; empty for a task that history does
   * not know. At most `limit`, by default 1,000.
   */
  readonly taskHistory: (
    db: Database,
    taskId: string,
    options?: { readonly limit?: number | undefined },
  ) => Promise<rows.HistoryRow[]>;

  /**
   * Why the task does not run, or what became of it, the most telling reason first. Of an unknown
   * task that, as one reason.
   */
  readonly whyTask: (db: Database, taskId: string) => Promise<rows.Reason[]>;

  // ---- History as followers read it: history.ts ----

  /** Where history is, and who may still write rows before that. */
  readonly lookAtHistory: (db: Database) => Promise<rows.HistoryLook>;

  /** The oldest transitions that are visible in a range of ids. */
  readonly readTransitions: (db: Database, range: HistoryRange) => Promise<rows.Transition[]>;

  /** The id of the newest transition of a task, "0" for one that history does not know. */
  readonly newestTransition: (db: Database, taskId: string) => Promise<string>;

  // ---- The queue as people watch it: monitoring.ts ----

  /** What waits and runs, by queue, type and status. */
  readonly queueDepth: (db: Database) => Promise<rows.Depth[]>;

  /** What ended in the last 24 hours, by type and status. */
  readonly taskStatistics: (db: Database) => Promise<rows.Statistics[]>;

  /** The workers that have not ended, by name. */
  readonly liveWorkers: (db: Database) => Promise<rows.WorkerActivity[]>;

  /** Tasks that wait for a person, the newest first. */
  readonly attentionTasks: (db: Database, limit: number) => Promise<rows.Attention[]>;

  /** How many tasks wait for a person, by reason; counts at most 10,000. */
  readonly attentionCounts: (
    db: Database,
    options?: { readonly reasons?: readonly string[] },
  ) => Promise<Record<string, number>>;

  /**
   * Locks of the queue that somebody keeps for whom they are not. Looks twice, `againMs` apart (500
   * by default), since the queue itself has such a lock for moments.
   */
  readonly foreignLocks: (
    db: Database,
    options?: { readonly againMs?: number },
  ) => Promise<rows.ForeignLock[]>;

  // ---- Retention, each with the rights of the owner: retention.ts ----

  /**
   * Make the partitions of the days ahead, of today, and of days that are over and have rows in the
   * default partition. Each in a transaction of its own, which holds its locks for a moment; one
   * that is refused does not stop the others. Rejects with an error that all of them would meet.
   */
  readonly createPartitions: (
    db: Database,
    options: { readonly daysAhead: number; readonly signal?: AbortSignal },
  ) => Promise<rows.MadePartitions>;

  /**
   * Drop the partitions of which every row is older than queue_settings says. Answers their names.
   * Each in a transaction of its own; one that is in use is tried some times and stays then.
   */
  readonly dropExpiredPartitions: (db: Database) => Promise<string[]>;

  /**
   * One step towards few partitions for what is old, and none in the default one; null where there
   * is nothing to do. Rejects with 55P03 where a lock cannot be had within half a second.
   */
  readonly mergePartitions: (db: Database) => Promise<rows.MergeStep | null>;

  /**
   * Fold rows of history that are new into rollups, some `rowsMax` of them, in a transaction of its
   * own. Answers how many; 0 where all is folded that can be, or another session is at it.
   */
  readonly foldHistory: (db: Database, limit: { readonly rowsMax: number }) => Promise<number>;

  /** Count what is live for queueDepth, where it is much and the last count was some time ago. */
  readonly countDepth: (db: Database) => Promise<void>;

  /** Have the newest rows of history found by a few pages, before vacuum sees to that. */
  readonly summarizeHistory: (db: Database) => Promise<void>;

  /** Delete what expired where there are no partitions, at most `rowsMax` of each table. */
  readonly expireRows: (
    db: Database,
    options: { readonly rowsMax: number },
  ) => Promise<rows.Expired>;

  // ---- Effects, which a task wants done outside of the database: outbox.ts ----

  /** Take an effect for `leaseMs`; null where it is not due: it ended, or somebody has it. */
  readonly claimEffect: (
    db: Database,
    effectId: string,
    options: { readonly leaseMs: number },
  ) => Promise<rows.ClaimedEffect | null>;

  /** Record how an attempt at it ended. Answers its status now; null: it was no longer ours. */
  readonly settleEffect: (
    db: Database,
    effect: Pick<rows.ClaimedEffect, "effectId" | "attempts">,
    end: EffectEnd,
  ) => Promise<EffectStatus | null>;

  /** Effects that have been due for `sinceMs` and that nobody delivers, the oldest first. */
  readonly dueEffects: (
    db: Database,
    options: { readonly sinceMs: number; readonly limit: number },
  ) => Promise<rows.DueEffect[]>;

  /** Have it delivered after all; false unless it failed or was skipped. */
  readonly retryEffect: (db: Database, effectId: string) => Promise<boolean>;

  /** Effects, the newest first. */
  readonly listEffects: (db: Database, filter: EffectFilter) => Promise<rows.ListedEffect[]>;

  /** Delete old effects that ended, as queue_settings says. Answers how many. Needs the owner. */
  readonly expireEffects: (db: Database, options: { readonly rowsMax: number }) => Promise<number>;

  /**
   * Push each later transition of a task to a receiver; with `id`, in place of that config. Answers
   * its id, a UUID. The caller looks whether the address is private (refusePrivateHost). Rejects
   * with TR001, 22023, and TR003 for more than 10 of a task.
   */
  readonly setPushConfig: (
    db: Database,
    taskId: string,
    receiver: PushReceiver & { readonly id?: string | undefined },
  ) => Promise<string>;

  /** False where the task has no such config. */
  readonly deletePushConfig: (db: Database, taskId: string, id: string) => Promise<boolean>;

  /** The push configs of a task, the oldest first, without their secrets. */
  readonly listPushConfigs: (db: Database, taskId: string) => Promise<rows.ListedPushConfig[]>;

  /** Make pushes, alerts and notifications of the next folded history; `off`: none is wanted. */
  readonly tellHistory: (db: Database, what: HistoryTold) => Promise<"off" | "more" | "done">;

  /** Delete push configs of tasks that are gone. Answers how many. Needs the owner. */
  readonly expirePushConfigs: (db: Database, limit: { rowsMax: number }) => Promise<number>;

  /** Who wants to be told, or null. Needs the rights of the owner. */
  readonly readPushConfig: (db: Database, id: string) => Promise<rows.PushConfig | null>;

  // ---- Schedules: schedules.ts ----

  /**
   * Enqueue the task of a schedule for the minute at which it was due, in ISO: once, however often
   * this is called for that time. `task` has the arguments of SQL's enqueue_task. Null while the
   * schedule is paused. Needs the owner.
   */
  readonly enqueueScheduled: (
    db: Database,
    run: {
      readonly schedule: string;
      readonly dueAt: string;
      readonly task: Readonly<Record<string, unknown>>;
    },
  ) => Promise<Enqueued | null>;

  /** When each schedule last enqueued its task; at most `limit`, by name. */
  readonly scheduleRuns: (db: Database, limit: number) => Promise<rows.ScheduleRun[]>;

  /** The time of the queue, whatever the clock of this machine says. */
  readonly databaseNow: (db: Database) => Promise<Date>;
}

export type CancelOutcome = "cancelled" | "requested";
