import { z } from "zod";
import { type Database, IsoTime, isoTime } from "./database.ts";

/**
 * The task that a producer means: by our number, by the id that it gave the task, or by the key
 * that the task holds.
 */
export async function findTaskId(db: Database, id: string): Promise<string | null> {
  const [row] = await db.query({
    text: "select triaged.task_id_of($1) as task_id",
    values: [id],
  });
  return z.object({ task_id: z.string().nullable() }).parse(row).task_id;
}

const StatusRow = z.object({
  task_id: z.string(),
  status: z.string(),
  skill_name: z.string(),
  task_type: z.string(),
  source_repo: z.string().nullable(),
  target_repo: z.string().nullable(),
  created_at: IsoTime,
  started_at: IsoTime.nullable(),
  ended_at: IsoTime.nullable(),
  result: z.unknown(),
  error: z.string().nullable(),
  worker_id: z.string().nullable(),
  attempt_count: z.int(),
});
export type StatusRow = z.output<typeof StatusRow>;

/** A task under the names of the older system, or null. Of any type, not of triage alone. */
export async function triageStatus(db: Database, taskId: string): Promise<StatusRow | null> {
  const [row] = await db.query({
    text: `select
             task.task_id, task.status,
             coalesce(task.metadata ->> 'skill_name', 'trigger_' || task.task_type) as skill_name,
             task.task_type, task.payload ->> 'source_repo' as source_repo,
             task.payload ->> 'target_repo' as target_repo,
             ${isoTime("task.created_at", "created_at")},
             ${isoTime("task.started_at", "started_at")},
             ${isoTime("task.ended_at", "ended_at")}, task.result, task.error, worker.name as worker_id,
             task.attempt_count
           from triaged.tasks as task
           left join triaged.workers as worker using (worker_id)
           where task.task_id = $1`,
    values: [taskId],
  });
  return row === undefined ? null : StatusRow.parse(row);
}

const QueueCounts = z.object({
  status_counts: z.record(z.string(), z.number()),
  /** Created in the last 24 hours. */
  type_counts: z.record(z.string(), z.number()),
  /** Of tasks created in the last 24 hours that finished. */
  avg_duration_seconds: z.number().nullable(),
});
export type QueueCounts = z.output<typeof QueueCounts>;

/** Counts every task that is kept: a report, not something to poll. */
export async function queueCounts(db: Database): Promise<QueueCounts> {
  const [row] = await db.query({
    text: `with recent as (
             select task_type, status, ended_at - started_at as duration
             from triaged.tasks
             where created_at > triaged.now() - interval '24 hours'
           )
           select
             (
               select coalesce(jsonb_object_agg(status, count), '{}')
               from (select status, count(*) from triaged.tasks group by status) as counts
             ) as status_counts,
             (
               select coalesce(jsonb_object_agg(task_type, count), '{}')
               from (select task_type, count(*) from recent group by task_type) as counts
             ) as type_counts,
             (
               select extract(epoch from avg(duration))::double precision
               from recent
               where status = 'finished'
             ) as avg_duration_seconds`,
  });
  return QueueCounts.parse(row);
}

/** Retention at once. Needs the rights of the owner. Returns how many tasks were dropped. */
export async function cleanupOldTasks(db: Database, days: number | null): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.drop_old_tasks($1) as dropped",
    values: [days],
  });
  return Dropped.parse(row).dropped;
}

const Dropped = z.object({ dropped: z.coerce.number() });
