/** What was at a past instant, by history. Errors are those of queue.ts. */
import { z } from "zod";
import { TASK_STATUSES } from "../model/task-status.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { Count } from "./rows.ts";

const PastDepth = z.object({
  queue: z.string(),
  task_type: z.string(),
  status: z.enum(TASK_STATUSES),
  count: Count,
});
export type PastDepth = z.output<typeof PastDepth>;

/** How far back depth is known, in milliseconds. */
export const DEPTH_GOES_BACK_MS = 86_400_000;

/**
 * What waited and ran at an instant, by queue, type and status. Rejects with 22023 for one that is
 * more than a day ago, to come, or before depth was first folded.
 */
export async function depthAt(db: Database, at: Date): Promise<PastDepth[]> {
  const rows = await db.query({
    text: `select ${columnsOf(PastDepth.shape)} from triaged.depth_at($1::timestamptz)
           order by queue, task_type, status`,
    values: [at.toISOString()],
  });
  return rows.map((row) => PastDepth.parse(row));
}

const PastTask = z.object({
  task_type: z.string(),
  status: z.enum(TASK_STATUSES),
  attempt_count: z.int(),
  /** Attempts that had failed by then. */
  failed_attempts: z.int(),
  /** Who held it; null unless it was started. */
  worker_id: z.string().nullable(),
  /** When it came to that. */
  since: IsoTime,
  event: z.string(),
  actor: z.string(),
  error: z.string().nullable(),
  detail: z.unknown(),
});
export type PastTask = z.output<typeof PastTask>;

/** A task as it was; null where there was none yet, or its history was dropped. */
export async function taskAt(db: Database, taskId: string, at: Date): Promise<PastTask | null> {
  const [row] = await db.query({
    text: `select ${columnsOf(PastTask.shape)} from triaged.task_at($1, $2::timestamptz)`,
    values: [taskId, at.toISOString()],
  });
  return row === undefined ? null : PastTask.parse(row);
}
