/** The queue as people watch it: depth, statistics, workers, locks. See queue.ts. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { columnsOf, type Database, isoTime } from "./database.ts";
import type { Queue } from "./queue.ts";
import { Attention, Count, Depth, ForeignLock, Statistics, WorkerActivity } from "./rows.ts";

export const queueDepth: Queue["queueDepth"] = async (db) => {
  const rows = await db.query({
    text: `select queue, task_type, status, count, due,
             extract(epoch from oldest_age)::double precision as oldest_age_seconds,
             ${isoTime("paused_at")}
           from triaged.queue_depth
           order by queue, task_type, status`,
  });
  return rows.map((row) => Depth.parse(row));
};

export const taskStatistics: Queue["taskStatistics"] = async (db) => {
  const rows = await db.query({
    text: `select ${columnsOf(Statistics.shape)}
           from triaged.task_statistics
           order by task_type, status`,
  });
  return rows.map((row) => Statistics.parse(row));
};

export const liveWorkers: Queue["liveWorkers"] = async (db) => {
  const rows = await db.query({
    text: `select ${columnsOf(WorkerActivity.shape)}
           from triaged.worker_activity
           where ended_at is null
           order by name, worker_id`,
  });
  return rows.map((row) => WorkerActivity.parse(row));
};

export const attentionTasks: Queue["attentionTasks"] = async (db, limit) => {
  const rows = await db.query({
    text: `select ${columnsOf(Attention.shape)}
           from triaged.attention as attention order by attention.since desc limit $1`,
    values: [limit],
  });
  return rows.map((row) => Attention.parse(row));
};

export const attentionCounts: Queue["attentionCounts"] = async (db, { reasons } = {}) => {
  const rows = await db.query({
    text: `select reason, count(*) as count
           from (
             select reason from triaged.attention
             where $1::text[] is null or reason = any ($1)
             limit 10000
           ) as waiting
           group by reason
           order by reason`,
    values: [reasons ?? null],
  });
  const parsed = rows.map((row) => z.object({ reason: z.string(), count: Count }).parse(row));
  return Object.fromEntries(parsed.map(({ reason, count }) => [reason, count]));
};

/** A lock that a rescue or a migration of ours has for moments is free by then. */
const LOOK_AGAIN_MS = 500;

export const foreignLocks: Queue["foreignLocks"] = async (db, { againMs = LOOK_AGAIN_MS } = {}) => {
  const before = await readForeignLocks(db);
  if (before.length === 0) {
    return [];
  }
  await delay(againMs);
  const after = new Set((await readForeignLocks(db)).map(lockKey));
  return before.filter((found) => after.has(lockKey(found)));
};

async function readForeignLocks(db: Database): Promise<ForeignLock[]> {
  const rows = await db.query({
    text: "select lock, pid, role, application from triaged.foreign_locks()",
  });
  return rows.map((row) => ForeignLock.parse(row));
}

function lockKey({ lock, pid, application }: ForeignLock): string {
  return `${lock} ${pid ?? application}`;
}
