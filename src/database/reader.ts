import { z } from "zod";
import { parseExactly } from "../model/json.ts";
import { TASK_STATUSES, type TaskStatus } from "../model/task-status.ts";
import { columnsOf, type Database, exactTime, IsoTime, isoTime } from "./database.ts";

/** A row of the view `tasks`. Ids are text, because bigint is wider than number. */
export const TaskRow = z.object({
  task_id: z.string(),
  task_type: z.string(),
  queue: z.string(),
  payload: z.record(z.string(), z.unknown()),
  priority: z.int(),
  status: z.enum(TASK_STATUSES),
  run_at: IsoTime,
  attempt_count: z.int(),
  failure_count: z.int(),
  max_attempts: z.int(),
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

/** As text, since the driver rounds the numbers in them. */
const JSON_COLUMNS = ["payload", "result", "decision", "metadata"] as const;

const COLUMNS = [
  columnsOf(TaskRow.omit({ payload: true, result: true, decision: true, metadata: true }).shape),
  ...JSON_COLUMNS.map((name) => `${name}::text`),
].join(", ");

/**
 * A task in any status, or null. Integers that a number would round are bigints, and `decimals` is
 * that of parseExactly.
 */
export async function getTask(
  db: Database,
  taskId: string,
  options?: Parameters<typeof parseExactly>[1],
): Promise<TaskRow | null> {
  const [row] = await db.query({
    text: `select ${COLUMNS} from triaged.tasks where task_id = $1`,
    values: [taskId],
  });
  if (row === undefined) {
    return null;
  }
  const parsed = JSON_COLUMNS.map((name) => {
    const text: unknown = row[name];
    return [name, typeof text === "string" ? parseExactly(text, options) : null] as const;
  });
  return TaskRow.parse({ ...row, ...Object.fromEntries(parsed) });
}

/** What a task is waited for by: small, because it is read often. */
export const TaskProgress = z.object({
  status: z.enum(TASK_STATUSES),
  attempt_count: z.int(),
  progress_pct: z.int().nullable(),
  current_step: z.string().nullable(),
});
export type TaskProgress = z.output<typeof TaskProgress>;

/** How far a task is, or null for an unknown one. Asks no partition while the task is live. */
export async function getProgress(db: Database, taskId: string): Promise<TaskProgress | null> {
  const ask = async (relation: "live_tasks" | "tasks") => {
    const [row] = await db.query({
      text: `select status, attempt_count, progress_pct, current_step
             from triaged.${relation} where task_id = $1`,
      values: [taskId],
    });
    return row === undefined ? null : TaskProgress.parse(row);
  };
  // Of both tables in the second look: the task may come back in between.
  return (await ask("live_tasks")) ?? (await ask("tasks"));
}

/** Without results and payloads, which may be large. */
export const ListedRow = TaskRow.omit({
  payload: true,
  result: true,
  decision: true,
  metadata: true,
});
export type ListedRow = z.output<typeof ListedRow>;

const LISTED_COLUMNS = columnsOf(ListedRow.shape);

export type TaskFilter = {
  readonly queue?: string | undefined;
  readonly taskType?: string | undefined;
  readonly status?: TaskStatus | undefined;
  /** 1 to 100. */
  readonly limit: number;
};

/** Tasks, the newest first. */
export async function listTasks(db: Database, filter: TaskFilter): Promise<ListedRow[]> {
  const rows = await db.query({
    // Planned with the values at hand, since it is not prepared: an absent filter is gone.
    text: `select ${LISTED_COLUMNS}
           from triaged.tasks
           where ($1::text is null or queue = $1)
             and ($2::text is null or task_type = $2)
             and ($3::text is null or status = $3)
           order by tasks.created_at desc, tasks.task_id desc
           limit $4`,
    values: [filter.queue ?? null, filter.taskType ?? null, filter.status ?? null, filter.limit],
  });
  return rows.map((row) => ListedRow.parse(row));
}

/** One transition of a task. Durations in milliseconds. */
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
  /** Of a claim: from due to started. */
  wait_ms: z.coerce.number().nullable(),
  /** Of the end of an attempt: from started to ended. */
  duration_ms: z.coerce.number().nullable(),
  detail: z.unknown(),
});
export type HistoryRow = z.output<typeof HistoryRow>;

/** Rows of one answer. A task that snoozes for years has more, and each may have an error. */
export const HISTORY_ROWS_MAX = 1_000;

/**
 * The newest transitions of a task, the oldest of them first; empty for one that history does
 * not know.
 */
export async function taskHistory(
  db: Database,
  taskId: string,
  { limit = HISTORY_ROWS_MAX }: { limit?: number | undefined } = {},
): Promise<HistoryRow[]> {
  const known = await readSpan(db, taskId);
  if (known !== null) {
    const rows = await historyBetween(db, taskId, { ...known, limit });
    if (isWhole(rows, { ...known, limit })) {
      return rows;
    }
  }
  return await historyBetween(db, taskId, { since: "-infinity", until: "infinity", limit });
}

/** The time that a task's story takes; text, since a Date would cut the microseconds. */
const Span = z.object({
  since: z.string(),
  until: z.string(),
  status: z.string(),
  attempt_count: z.int(),
});
type Span = z.output<typeof Span>;

async function readSpan(db: Database, taskId: string): Promise<Span | null> {
  const [row] = await db.query({
    text: `select ${exactTime("created_at")} as since,
             ${exactTime("coalesce(ended_at, triaged.now() + interval '1 hour')")} as until,
             status, attempt_count
           from triaged.tasks where task_id = $1`,
    values: [taskId],
  });
  return row === undefined ? null : Span.parse(row);
}

/** A row that was dated by hand may have part of its story elsewhere. */
function isWhole(
  rows: readonly HistoryRow[],
  { status, attempt_count, limit }: Span & { readonly limit: number },
): boolean {
  const [first, last] = [rows[0], rows.at(-1)];
  return (
    (first?.event === "enqueue" || rows.length === limit) &&
    last?.status === status &&
    last.attempt_count === attempt_count
  );
}

/** Planned with its bounds, and so without the partitions beyond them: nor are those locked. */
async function historyBetween(
  db: Database,
  taskId: string,
  { since, until, limit }: Pick<Span, "since" | "until"> & { readonly limit: number },
): Promise<HistoryRow[]> {
  const rows = await db.query({
    text: `select
             history.history_id, history.task_id, history.task_type,
             ${isoTime("history.at", "at")}, history.event,
             history.status, history.attempt_count, history.worker_id, worker.name as worker,
             history.actor, history.login, history.error, history.wait_ms, history.duration_ms,
             history.detail
           from triaged.task_history as history
           left join triaged.workers as worker using (worker_id)
           where history.task_id = $1
             and history.at >= $2::timestamptz and history.at <= $3::timestamptz
           order by history.at desc, history.history_id desc
           limit $4`,
    values: [taskId, since, until, limit],
  });
  return rows.map((row) => HistoryRow.parse(row)).toReversed();
}
