import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { columnsOf, type Database, IsoTime, isoTime } from "./database.ts";

const Count = z.coerce.number();

const QueueDepth = z.object({
  queue: z.string(),
  task_type: z.string(),
  status: z.string(),
  count: Count,
  /** Of these, what could be claimed now. */
  due: Count,
  /** How long the task that is due longest has waited. */
  oldest_age_seconds: z.number().nullable(),
  /** Since when nothing of the queue or of the type is claimed. */
  paused_at: IsoTime.nullable(),
});
export type Depth = z.output<typeof QueueDepth>;

/** What waits and runs, by queue, type and status. */
export async function queueDepth(db: Database): Promise<Depth[]> {
  const rows = await db.query({
    text: `select queue, task_type, status, count, due,
             extract(epoch from oldest_age)::double precision as oldest_age_seconds,
             ${isoTime("paused_at")}
           from triaged.queue_depth
           order by queue, task_type, status`,
  });
  return rows.map((row) => QueueDepth.parse(row));
}

export const Statistics = z.object({
  task_type: z.string(),
  status: z.string(),
  count: Count,
  per_minute: Count,
  share: Count,
  avg_duration_seconds: z.coerce.number().nullable(),
  wait_seconds_p50: z.number().nullable(),
  wait_seconds_p95: z.number().nullable(),
  run_seconds_p50: z.number().nullable(),
  run_seconds_p95: z.number().nullable(),
  last_completed: IsoTime.nullable(),
});
export type Statistics = z.output<typeof Statistics>;

/** What ended in the last 24 hours, by type and status. */
export async function taskStatistics(db: Database): Promise<Statistics[]> {
  const rows = await db.query({
    text: `select ${columnsOf(Statistics.shape)}
           from triaged.task_statistics
           order by task_type, status`,
  });
  return rows.map((row) => Statistics.parse(row));
}

export const WorkerActivity = z.object({
  worker_id: z.string(),
  name: z.string(),
  host: z.string().nullable(),
  pid: z.int().nullable(),
  state: z.string(),
  queues: z.array(z.string()),
  task_types: z.array(z.string()),
  concurrency: z.int(),
  held: Count,
  heartbeat_at: IsoTime,
  started_at: IsoTime,
});
export type WorkerActivity = z.output<typeof WorkerActivity>;

/** The workers that have not ended. */
export async function liveWorkers(db: Database): Promise<WorkerActivity[]> {
  const rows = await db.query({
    text: `select ${columnsOf(WorkerActivity.shape)}
           from triaged.worker_activity
           where ended_at is null
           order by name, worker_id`,
  });
  return rows.map((row) => WorkerActivity.parse(row));
}

/** How many tasks wait for a person, by reason; counts at most 10,000. */
export async function attentionCounts(db: Database): Promise<Record<string, number>> {
  const rows = await db.query({
    text: `select reason, count(*) as count
           from (select reason from triaged.attention limit 10000) as waiting
           group by reason
           order by reason`,
  });
  const parsed = rows.map((row) => z.object({ reason: z.string(), count: Count }).parse(row));
  return Object.fromEntries(parsed.map(({ reason, count }) => [reason, count]));
}

export const ForeignLock = z.object({
  lock: z.string(),
  /** Null for a prepared transaction, whose name is its application. */
  pid: z.int().nullable(),
  role: z.string(),
  application: z.string().nullable(),
});

/** An advisory lock of the queue that a session has, or waits for, which it is not for. */
export type ForeignLock = z.output<typeof ForeignLock>;

/** What the queue has for moments, a rescue or a migration, is gone by then. */
const LOOK_AGAIN_MS = 500;

/** Look twice, and resolve to what was there both times. */
export async function foreignLocks(
  db: Database,
  { againMs = LOOK_AGAIN_MS }: { againMs?: number } = {},
): Promise<ForeignLock[]> {
  const before = await readForeignLocks(db);
  if (before.length === 0) {
    return [];
  }
  await delay(againMs);
  const after = new Set((await readForeignLocks(db)).map(lockKey));
  return before.filter((found) => after.has(lockKey(found)));
}

async function readForeignLocks(db: Database): Promise<ForeignLock[]> {
  const rows = await db.query({
    text: "select lock, pid, role, application from triaged.foreign_locks()",
  });
  return rows.map((row) => ForeignLock.parse(row));
}

function lockKey({ lock, pid, application }: ForeignLock): string {
  return `${lock} ${pid ?? application}`;
}
