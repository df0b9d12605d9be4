import { z } from "zod";
import { type Database, exactTime, IsoTime, isoTime } from "./database.ts";

/** One transition of a task. Durations in milliseconds. */
const HistoryRow = z.object({
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
