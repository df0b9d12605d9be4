/** Tasks as people read them. The verbs are described in queue.ts. */
import { z } from "zod";
import { parseExactly } from "../model/json.ts";
import { columnsOf, type Database, exactTime, isoTime } from "./database.ts";
import type { Queue } from "./queue.ts";
import { HistoryRow, ListedRow, Reason, TaskProgress, TaskRow } from "./rows.ts";

/** As text, since the driver rounds the numbers in them. */
const JSON_COLUMNS = ["payload", "result", "decision", "metadata"] as const;

const LISTED_COLUMNS = columnsOf(ListedRow.shape);
const COLUMNS = [LISTED_COLUMNS, ...JSON_COLUMNS.map((name) => `${name}::text`)].join(", ");

export const getTask: Queue["getTask"] = async (db, taskId, options) => {
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
};

export const getProgress: Queue["getProgress"] = async (db, taskId) => {
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
};

export const listTasks: Queue["listTasks"] = async (db, filter) => {
  const rows = await db.query({
    text: `select ${LISTED_COLUMNS}
           from triaged.list_tasks(
             queue => $1::text, task_type => $2::text, status => $3::text,
             max_rows => $4::integer
           ) as tasks
           order by tasks.created_at desc, tasks.task_id desc`,
    values: [filter.queue ?? null, filter.taskType ?? null, filter.status ?? null, filter.limit],
  });
  return rows.map((row) => ListedRow.parse(row));
};

/** Rows of one answer. A task that snoozes for years has more, and each may have an error. */
export const HISTORY_ROWS_MAX = 1_000;

export const taskHistory: Queue["taskHistory"] = async (
  db,
  taskId,
  { limit = HISTORY_ROWS_MAX } = {},
) => {
  const known = await readSpan(db, taskId);
  if (known !== null) {
    const rows = await historyBetween(db, taskId, { ...known, limit });
    if (isWhole(rows, { ...known, limit })) {
      return rows;
    }
  }
  return await historyBetween(db, taskId, { since: "-infinity", until: "infinity", limit });
};

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

export const whyTask: Queue["whyTask"] = async (db, taskId) => {
  const rows = await db.query({
    text: "select reason, hint from triaged.why($1)",
    values: [taskId],
  });
  return rows.map((row) => Reason.parse(row));
};
