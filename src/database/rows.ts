/**
 * The rows that verbs of queue.ts answer with, in its order. Each is a zod schema and the type of
 * the same name: the schema checks what the server sends and lists the columns to select. Only the
 * rows of a claim are not checked, because of their number; src/model/task.ts has their types.
 *
 * Ids are text, because bigint is wider than number.
 */
import { z } from "zod";
import { EFFECT_KINDS, EFFECT_STATUSES } from "../model/effect.ts";
import type { Enqueued } from "../model/task.ts";
import { TASK_STATUSES, type TaskStatus } from "../model/task-status.ts";
import { IsoTime } from "./database.ts";

/** A number that the driver hands out as text, such as a bigint. */
export const Count = z.coerce.number();

/** The outcome of an enqueue, as src/model/task.ts names it. */
export const EnqueuedRow = z
  .object({ task_id: z.string(), outcome: z.enum(["created", "duplicate", "replaced"]) })
  .transform((row): Enqueued => ({ taskId: row.task_id, outcome: row.outcome }));

/** A row of the view `tasks`. */
export const TaskRow = z.object({
  task_id: z.string(),
  task_type: z.string(),
  queue: z.string(),
  payload: z.record(z.string(), z.unknown()),
  /** 0, the first to be claimed, to 3. */
  priority: z.int(),
  status: z.enum(TASK_STATUSES),
  /** When it is due. */
  run_at: IsoTime,
  /** How often it was claimed. */
  attempt_count: z.int(),
  /** Attempts that failed; with `max_attempts` of them the task is `failed`. */
  failure_count: z.int(),
  max_attempts: z.int(),
  /** Workers that died with it. */
  rescue_count: z.int(),
  worker_id: z.string().nullable(),
  cancel_requested_at: IsoTime.nullable(),
  progress_pct: z.int().nullable(),
  current_step: z.string().nullable(),
  result: z.unknown(),
  error: z.string().nullable(),
  decision_prompt: z.string().nullable(),
  decision: z.unknown(),
  dedupe_key: z.string().nullable(),
  parent_task_id: z.string().nullable(),
  root_task_id: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_at: IsoTime,
  started_at: IsoTime.nullable(),
  ended_at: IsoTime.nullable(),
});
export type TaskRow = z.output<typeof TaskRow>;

/** The part of a task that somebody reads who waits for it: small, because it is read often. */
export const TaskProgress = TaskRow.pick({
  status: true,
  attempt_count: true,
  progress_pct: true,
  current_step: true,
});
export type TaskProgress = z.output<typeof TaskProgress>;

/** A task without its payload, result, decision and metadata, which may be large. */
export const ListedRow = TaskRow.omit({
  payload: true,
  result: true,
  decision: true,
  metadata: true,
});
export type ListedRow = z.output<typeof ListedRow>;

/** One transition of a task. */
export const HistoryRow = z.object({
  history_id: z.string(),
  task_id: z.string(),
  task_type: z.string(),
  at: IsoTime,
  event: z.string(),
  /** After the event. */
  status: z.string(),
  attempt_count: z.int(),
  worker_id: z.string().nullable(),
  /** Name of that worker, or null. */
  worker: z.string().nullable(),
  actor: z.string(),
  /** The login whose session it was; null in rows from before it was recorded. */
  login: z.string().nullable(),
  error: z.string().nullable(),
  /** Of a claim: milliseconds from due to started. */
  wait_ms: Count.nullable(),
  /** Of the end of an attempt: milliseconds from started to ended. */
  duration_ms: Count.nullable(),
  detail: z.unknown(),
});
export type HistoryRow = z.output<typeof HistoryRow>;

/** Where history is, and who may still write rows before that. */
export const HistoryLook = z.object({
  /** The newest id that was drawn. */
  drawnId: z.coerce.bigint(),
  /** Transactions that write history; those that were prepared have another name since. */
  writers: z.array(z.string()),
  prepared: z.array(z.string()),
  /** All rows up to this id are there, or never will be; far back where no job folds history. */
  foldedId: z.coerce.bigint(),
  /** Rows up to this id may be dropped. */
  droppedId: z.coerce.bigint(),
});
export type HistoryLook = z.output<typeof HistoryLook>;

/** A transition as followers are told of it. */
export const Transition = z.object({
  /** Of its row in history: of two of one task, the later one has the larger. */
  id: z.string(),
  task_id: z.string(),
  event: z.string(),
  /** After the event. */
  status: z.string(),
  /** Null where the task is gone. */
  queue: z.string().nullable(),
  task_type: z.string(),
  worker_id: z.string().nullable(),
  attempt: z.int(),
  /** ISO, UTC. */
  occurred_at: z.string(),
  actor: z.string(),
  error: z.string().nullable(),
  /** Of a claim: milliseconds from due to started. */
  wait_ms: Count.nullable(),
  /** Of the end of an attempt: milliseconds from started to ended. */
  duration_ms: Count.nullable(),
  detail: z.unknown(),
});
export type Transition = z.output<typeof Transition>;

/** One reason why a task does not run, or what became of it; what can be done, or null. */
export const Reason = z.object({ reason: z.string(), hint: z.string().nullable() });
export type Reason = z.output<typeof Reason>;

/** How many tasks of a queue, type and status there are; ended ones are not counted. */
export const Depth = z.object({
  queue: z.string(),
  task_type: z.string(),
  status: z.string(),
  count: Count,
  /** Of these, the tasks that could be claimed now. */
  due: Count,
  /** How long the task that is due longest has waited. */
  oldest_age_seconds: z.number().nullable(),
  /** Since when nothing of the queue or of the type is claimed. */
  paused_at: IsoTime.nullable(),
});
export type Depth = z.output<typeof Depth>;

/** How many tasks there are in each status that has any. */
export type StatusCounts = {
  readonly counts: Readonly<Partial<Record<TaskStatus, number>>>;
  /** Not all of it is counted, or not at this moment. */
  readonly isEstimate: boolean;
};

/** The tasks of a type that ended with a status in the last 24 hours. */
export const Statistics = z.object({
  task_type: z.string(),
  status: z.string(),
  count: Count,
  /** Over the last hour. */
  per_minute: Count,
  /** The status among all tasks of the type that ended, 0 to 1. */
  share: Count,
  avg_duration_seconds: Count.nullable(),
  /** From due to started. */
  wait_seconds_p50: z.number().nullable(),
  wait_seconds_p95: z.number().nullable(),
  /** From started to ended, of the last attempt. */
  run_seconds_p50: z.number().nullable(),
  run_seconds_p95: z.number().nullable(),
  last_completed: IsoTime.nullable(),
});
export type Statistics = z.output<typeof Statistics>;

/** A task that waits for a person. */
export const Attention = z.object({
  task_id: z.string(),
  task_type: z.string(),
  queue: z.string(),
  status: z.enum(TASK_STATUSES),
  /** Its status, or `stuck` for an attempt that runs for over an hour. */
  reason: z.string(),
  /** What is asked, what went wrong, or how far it is. */
  detail: z.string().nullable(),
  since: IsoTime,
});
export type Attention = z.output<typeof Attention>;

/** A worker that has not ended. */
export const WorkerActivity = z.object({
  worker_id: z.string(),
  name: z.string(),
  host: z.string().nullable(),
  pid: z.int().nullable(),
  /** `alive`, or `silent` for longer than its lease. */
  state: z.string(),
  queues: z.array(z.string()),
  task_types: z.array(z.string()),
  concurrency: z.int(),
  /** Tasks that it holds. */
  held: Count,
  heartbeat_at: IsoTime,
  started_at: IsoTime,
});
export type WorkerActivity = z.output<typeof WorkerActivity>;

/** An advisory lock of the queue that a session has, or waits for, and that is not for it. */
export const ForeignLock = z.object({
  /** The purpose of the lock: `worker 7`, `migrate`, … */
  lock: z.string(),
  /** Null for a prepared transaction, whose name is its application. */
  pid: z.int().nullable(),
  role: z.string(),
  application: z.string().nullable(),
});
export type ForeignLock = z.output<typeof ForeignLock>;

/** A queue or a task type of which nothing is claimed. */
export const Pause = z.object({
  kind: z.enum(["queue", "task type"]),
  name: z.string(),
  paused_at: IsoTime,
});
export type Pause = z.output<typeof Pause>;

/** A setting of the queue, which holds on every host. */
export const Setting = z.object({
  name: z.string(),
  value: z.string(),
  /** Null: nobody has changed it. */
  changed_at: z.date().nullable(),
  changed_by: z.string().nullable(),
  changed_login: z.string().nullable(),
  previous_value: z.string().nullable(),
});
export type Setting = z.output<typeof Setting>;

/** The tables that have a partition for each day of UTC. */
export const PARTITIONED = ["final_tasks", "task_history"] as const;

/** A step of a merge of partitions; merge_partitions in sql/functions says what each means. */
export const MergeStep = z.object({
  table_name: z.enum(PARTITIONED),
  step: z.enum(["began", "copied", "waits", "swapped", "gave up"]),
  partitions: z.array(z.string()),
});
export type MergeStep = z.output<typeof MergeStep>;

/** How many rows of each table were deleted. */
export const Expired = z.object({
  dedupe_keys: z.int(),
  workers: z.int(),
});
export type Expired = z.output<typeof Expired>;

/** An effect that is about to be delivered. */
export const ClaimedEffect = z.object({
  effectId: z.string(),
  taskId: z.string(),
  kind: z.enum(EFFECT_KINDS),
  key: z.string(),
  payload: z.record(z.string(), z.unknown()),
  /** This attempt's number, from 1. It only grows. */
  attempts: z.int(),
  /** The span in which its handler asked for it; null where nothing was traced. */
  traceparent: z.string().nullable(),
});
export type ClaimedEffect = z.output<typeof ClaimedEffect>;

export const DueEffect = z.object({ effectId: z.string(), key: z.string() });
export type DueEffect = z.output<typeof DueEffect>;

/** An effect without what it sends. */
export const ListedEffect = z.object({
  effect_id: z.string(),
  task_id: z.string(),
  kind: z.enum(EFFECT_KINDS),
  effect_key: z.string(),
  status: z.enum(EFFECT_STATUSES),
  attempts: z.int(),
  target_repo: z.string().nullable(),
  /** Its name on the other side, such as the address of an issue. */
  external_ref: z.string().nullable(),
  last_error: z.string().nullable(),
  due_at: IsoTime,
  created_at: IsoTime,
  delivered_at: IsoTime.nullable(),
});
export type ListedEffect = z.output<typeof ListedEffect>;

/** Who wants to be told of a task. Holds secrets: never logged, never shown. */
export const PushConfig = z.object({
  url: z.string(),
  token: z.string().nullable(),
  hmacSecret: z.string().nullable(),
  jwtSecret: z.string().nullable(),
  jwtIssuer: z.string().nullable(),
  jwtAudience: z.string().nullable(),
  jwtKid: z.string().nullable(),
});
export type PushConfig = z.output<typeof PushConfig>;

/** The same without its secrets: whether there are any. */
export const ListedPushConfig = z.object({
  id: z.string(),
  url: z.string(),
  has_token: z.boolean(),
  has_hmac_secret: z.boolean(),
  has_jwt_secret: z.boolean(),
  jwt_issuer: z.string().nullable(),
  jwt_audience: z.string().nullable(),
  jwt_kid: z.string().nullable(),
  created_at: IsoTime,
});
export type ListedPushConfig = z.output<typeof ListedPushConfig>;

/** When a schedule last enqueued its task. */
export const ScheduleRun = z.object({
  schedule: z.string(),
  last_run_at: IsoTime,
  last_task_id: z.string(),
  run_count: Count,
});
export type ScheduleRun = z.output<typeof ScheduleRun>;

/** What became of one worker of a process that exited. */
export type RescuedWorker = {
  readonly workerId: string;
  /** False, and nothing was done, while the server still sees a session of it. */
  readonly isDead: boolean;
  /** Tasks that were taken back, and how many of them are failed as poisonous. */
  readonly tasks: number;
  readonly failed: number;
};

/** What became of an attempt to make partitions. */
export type MadePartitions = {
  readonly made: number;
  /** One error for each partition that could not be made. */
  readonly errors: readonly Error[];
};
