/** Tasks as people read them. The verbs are described in queue.ts. */
import type { QueryResultRow } from "pg";
import { z } from "zod";
import { parseExactly } from "../model/json.ts";
import { TASK_STATUSES, type TaskStatus } from "../model/task-status.ts";
import type { TaskFilter } from "./arguments.ts";
import { columnsOf, type Database, exactTime, isoTime } from "./database.ts";
import type { Queue } from "./queue.ts";
import { Count, HistoryRow, ListedRow, Reason, TaskProgress, TaskRow } from "./rows.ts";

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
  const rows = await readPage(db, filter);
  return rows.map((row) => ListedRow.parse(row));
};

export const pageTasks: Queue["pageTasks"] = async (db, filter) => {
  const rows = await readPage(db, filter);
  const last = rows.length < filter.limit ? undefined : rows.at(-1);
  return {
    rows: rows.map((row) => ListedRow.parse(row)),
    next: last === undefined ? null : placeOf(last),
  };
};

/** Where a page ends: the time as the server wrote it, since a Date would cut the microseconds. */
function placeOf(row: QueryResultRow): string {
  const { created_at, task_id } = z
    .object({ created_at: z.string(), task_id: z.string() })
    .parse(row);
  return `${created_at}_${task_id}`;
}

/** What `placeOf` writes. */
export const PAGE_PLACE = /^(\d{4}-[\dT:.-]{1,30}Z)_(\d{1,19})$/;

async function readPage(db: Database, filter: TaskFilter): Promise<QueryResultRow[]> {
  const [, time = null, taskId = null] = PAGE_PLACE.exec(filter.after ?? "") ?? [];
  return await db.query({
    text: `select ${LISTED_COLUMNS}
           from triaged.list_tasks(
             ${FILTER},
             before_created_at => $7::timestamptz, before_task_id => $8::bigint,
             max_rows => $9::integer, skip_rows => $10::integer
           ) as tasks
           order by tasks.created_at desc, tasks.task_id desc`,
    values: [...valuesOf(filter), time, taskId, filter.limit, filter.offset ?? 0],
  });
}

/** Null is no condition. */
const FILTER = `
  queue => $1::text, task_type => $2::text, status => $3::text, context_id => $4::text,
  repository => $5::text, parent_task_id => $6::bigint`;

function valuesOf(filter: Omit<TaskFilter, "limit">): (string | null)[] {
  const { queue, taskType, status, contextId, repo, parentTaskId } = filter;
  return [queue, taskType, status, contextId, repo, parentTaskId].map((value) => value ?? null);
}

const Counted = z.object({ count: Count });

/** No list: that would carry the rows. An absent filter is gone from the plan. */
export const countTasks: Queue["countTasks"] = async (db, { countMax, ...filter }) => {
  const [row] = await db.query({
    text: `select count(*)
           from (
             select
             from triaged.tasks
             where ($1::text is null or queue = $1)
               and ($2::text is null or task_type = $2)
               and ($3::text is null or status = $3)
               and ($4::text is null or metadata ->> 'context_id' = $4)
               and ($5::text is null
                 or payload ->> 'source_repo' = $5 or payload ->> 'target_repo' = $5)
               and ($6::bigint is null or parent_task_id = $6)
             limit $7
           ) as found`,
    values: [...valuesOf(filter), countMax],
  });
  return Counted.parse(row).count;
};

const CountedStatus = Counted.extend({ status: z.enum(TASK_STATUSES) });

export const countByStatus: Queue["countByStatus"] = async (
  db,
  { countMax = 10_000, pagesMax = 1_000 } = {},
) => {
  const live = await db.query({
    text: `select status, sum(count) as count, min(counted_at) < triaged.now() as is_earlier
           from triaged.queue_depth
           group by status`,
  });
  const ended = await countEnded(db, countMax + 1);
  const isExact = ended.reduce((sum, { count }) => sum + count, 0) <= countMax;
  const estimated = isExact ? [] : await estimateEnded(db, { countMax, pagesMax });

  const counts: Partial<Record<TaskStatus, number>> = {};
  for (const { status, count } of live.map((row) => CountedStatus.parse(row))) {
    counts[status] = count;
  }
  for (const { status, count } of [...ended, ...estimated]) {
    // There are at least as many as were seen.
    counts[status] = Math.max(count, counts[status] ?? 0);
  }
  return { counts, isEstimate: !isExact || live.some((row) => row["is_earlier"] === true) };
};

async function countEnded(
  db: Database,
  countMax: number,
  status?: TaskStatus,
): Promise<z.output<typeof CountedStatus>[]> {
  const rows = await db.query({
    text: `select status, count(*)
           from (
             select status from triaged.final_tasks
             ${status === undefined ? "" : `where status = '${status}'`}
             limit $1
           ) as found
           group by status`,
    values: [countMax],
  });
  return rows.map((row) => CountedStatus.parse(row));
}

/** What is not finished is counted by its index, up to countMax; of the rest, pages by chance. */
async function estimateEnded(
  db: Database,
  { countMax, pagesMax }: { readonly countMax: number; readonly pagesMax: number },
): Promise<z.output<typeof CountedStatus>[]> {
  const unfinished = [
    ...(await countEnded(db, countMax + 1, "failed")),
    ...(await countEnded(db, countMax + 1, "cancelled")),
  ];
  const rare = unfinished.filter(({ count }) => count <= countMax);
  const [size] = await db.query({
    text: `select sum(pg_relation_size(relid)) / current_setting('block_size')::integer as count
           from pg_partition_tree('triaged.final_tasks')`,
  });
  const share = Math.min(1, pagesMax / Math.max(1, Counted.parse(size).count));
  const drawn = await db.query({
    text: `select status, count(*)
           from triaged.final_tasks tablesample system ($1)
           group by status`,
    values: [share * 100],
  });
  return [
    ...rare,
    ...drawn
      .map((row) => CountedStatus.parse(row))
      .filter(({ status }) => rare.every((one) => one.status !== status))
      .map(({ status, count }) => ({ status, count: Math.round(count / share) })),
  ];
}

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
