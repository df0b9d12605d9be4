/** Doctor's questions about the queue's tables, each with the shape of its answer. */
import { z } from "zod";
import { EFFECT_KINDS } from "../model/effect.ts";
import type { Database } from "./database.ts";
import { Count } from "./rows.ts";

const PartitionFacts = z.object({
  table_name: z.string(),
  has_today: z.boolean(),
  /** Days after today without a gap. */
  days_ahead: Count,
  /** Rows in the default partition. */
  stray_rows: Count,
});
export type PartitionFacts = z.output<typeof PartitionFacts>;

/** One more row is counted than is told, to tell that there are more. */
const PARTITION_FACTS_SQL = `
  with missing as (
    select both_of.table_name, ahead
    from (values ('final_tasks'), ('task_history')) as both_of (table_name)
    cross join generate_series(0, $1::integer) as ahead
    cross join lateral (
      select date_trunc('day', triaged.now(), 'UTC') + ahead * interval '24 hours' as starts_at
    ) as day
    where not exists (
      select from triaged.partitions as known
      where
        known.table_name = both_of.table_name
        and known.starts_at <= day.starts_at
        and known.ends_at > day.starts_at
    )
  )
  select
    parent.table_name,
    not exists (
      select from missing where missing.table_name = parent.table_name and ahead = 0
    ) as has_today,
    coalesce(
      (
        select min(ahead) - 1 from missing
        where missing.table_name = parent.table_name and ahead > 0
      ),
      $1
    ) as days_ahead,
    parent.stray_rows
  from (
    select 'final_tasks' as table_name, (
      select count(*) from (select from triaged.final_tasks_default limit $2 + 1) as stray
    ) as stray_rows
    union all
    select 'task_history', (
      select count(*) from (select from triaged.task_history_default limit $2 + 1) as stray
    )
  ) as parent`;

/** Of each table, at most `daysMax` days ahead and `rowsMax` + 1 stray rows. */
export async function readPartitionFacts(
  db: Database,
  { daysMax, rowsMax }: { daysMax: number; rowsMax: number },
): Promise<PartitionFacts[]> {
  const rows = await db.query({ text: PARTITION_FACTS_SQL, values: [daysMax, rowsMax] });
  return rows.map((row) => PartitionFacts.parse(row));
}

const WorkerFacts = z.object({
  alive: Count,
  silent: z.array(
    z.object({
      worker_id: Count,
      name: z.string(),
      host: z.string().nullable(),
      pid: z.int().nullable(),
      silent_seconds: Count,
      held: Count,
    }),
  ),
});
export type WorkerFacts = z.output<typeof WorkerFacts>;

const WORKER_FACTS_SQL = `
  select
    (
      select count(*) from triaged.workers
      where ended_at is null and heartbeat_at >= triaged.now() - lease
    ) as alive,
    (
      select coalesce(jsonb_agg(silent), '[]')
      from (
        select
          worker_id, name, host, pid,
          extract(epoch from triaged.now() - heartbeat_at) as silent_seconds,
          (select count from triaged.held_by(worker.worker_id)) as held
        from triaged.workers as worker
        where ended_at is null and heartbeat_at < triaged.now() - lease
        order by heartbeat_at
        limit $1
      ) as silent
    ) as silent`;

/** Of the silent ones at most `limit`, the longest silent first. */
export async function readWorkerFacts(
  db: Database,
  { limit }: { limit: number },
): Promise<WorkerFacts> {
  const [row] = await db.query({ text: WORKER_FACTS_SQL, values: [limit] });
  return WorkerFacts.parse(row);
}

const LaneFacts = z.object({
  paused_queues: z.array(z.string()),
  paused_types: z.array(z.string()),
  /** As `type (queue)`: what waits while no living worker would claim it. */
  unhandled: z.array(z.string()),
});
export type LaneFacts = z.output<typeof LaneFacts>;

/** From lane to lane by the index of the claim: a million tasks of one lane are one step. */
const LANE_FACTS_SQL = `
  with recursive lane as (
    (
      select queue, task_type, 1 as place
      from triaged.live_tasks
      where in_lane and status = 'queued'
      order by queue, task_type
      limit 1
    )
    union all
    select following.queue, following.task_type, lane.place + 1
    from lane
    cross join lateral (
      select task.queue, task.task_type
      from triaged.live_tasks as task
      where
        task.in_lane and task.status = 'queued'
        and (task.queue, task.task_type) > (lane.queue, lane.task_type)
      order by task.queue, task.task_type
      limit 1
    ) as following
    where lane.place < $2
  )
  select
    array(
      select queue from triaged.queues where paused_at is not null order by queue limit $1
    ) as paused_queues,
    array(
      select task_type from triaged.task_types
      where paused_at is not null
      order by task_type
      limit $1
    ) as paused_types,
    array(
      select format('%s (queue %s)', task_type, queue)
      from lane
      where not exists (
        select
        from triaged.workers as worker
        where
          worker.ended_at is null and worker.heartbeat_at >= triaged.now() - worker.lease
          and lane.task_type = any (worker.task_types) and lane.queue = any (worker.queues)
      )
      order by task_type, queue
      limit $1
    ) as unhandled`;

/** At most `namesMax` of each list, of the first `pairsMax` pairs of queue and task type. */
export async function readLaneFacts(
  db: Database,
  { namesMax, pairsMax }: { namesMax: number; pairsMax: number },
): Promise<LaneFacts> {
  const [row] = await db.query({ text: LANE_FACTS_SQL, values: [namesMax, pairsMax] });
  return LaneFacts.parse(row);
}

const SetbackFacts = z.object({
  /** How far the newest of each lies in the future. */
  ahead: z.array(z.object({ what: z.string(), seconds: Count })),
  /** Tasks that wait though the clock had their time before; counted up to a limit. */
  waiting: Count,
});
export type SetbackFacts = z.output<typeof SetbackFacts>;

/** The newest by an index, or of few rows; history is left to the partitions of these days. */
const SETBACK_FACTS_SQL = `
  with late as (select triaged.now() + triaged.clock_margin() as at)
  select
    (
      select coalesce(
        jsonb_agg(jsonb_build_object(
          'what', what, 'seconds', extract(epoch from newest - triaged.now())
        ) order by what),
        '[]'
      )
      from (
        select 'created tasks' as what, (
          select max(created_at) from triaged.live_tasks where created_at > (select at from late)
        ) as newest
        union all
        select 'heartbeats', (
          select max(heartbeat_at) from triaged.workers where heartbeat_at > (select at from late)
        )
        union all
        select 'clock seen by workers', (
          select ahead_until from triaged.clock_setbacks where ahead_until > (select at from late)
        )
        union all
        select 'history', (
          select max(at) from triaged.task_history where at > (select at from late)
        )
      ) as written
      where newest is not null
    ) as ahead,
    (
      select count(*) from (
        select
        from triaged.live_tasks
        where
          in_lane and status = 'queued' and run_at > triaged.now()
          and (
            (created_at > (select at from late) and run_at = created_at)
            or (
              attempt_count > 0
              and run_at <= (
                select ahead_until from triaged.clock_setbacks where ahead_until > (select at from late)
              )
            )
          )
        limit $1
      ) as due
    ) as waiting`;

/** Counts at most `limit` waiting tasks. */
export async function readSetbackFacts(
  db: Database,
  { limit }: { limit: number },
): Promise<SetbackFacts> {
  const [row] = await db.query({ text: SETBACK_FACTS_SQL, values: [limit] });
  return SetbackFacts.parse(row);
}

const EffectFacts = z.object({
  kind: z.enum(EFFECT_KINDS),
  /** Of the newest that ended. */
  failed: Count,
  skipped: Count,
  /** Failed at least once, and are tried again. */
  failing: Count,
  /** Nobody has tried to deliver them. */
  overdue: Count,
  /** Of one of these. */
  last_error: z.string().nullable(),
});
export type EffectFacts = z.output<typeof EffectFacts>;

/**
 * Effects that do not arrive, by kind: of those that wait, and of those that ended in a day, the
 * newest `rowsMax` of either. Overdue: for longer than `lateMs`.
 */
export async function readEffectFacts(
  db: Database,
  { rowsMax, lateMs }: { rowsMax: number; lateMs: number },
): Promise<EffectFacts[]> {
  const rows = await db.query({
    text: `
      with recent as (
        (
          select kind, status, attempts, due_at, last_error, effect_id
          from triaged.effects
          where status = 'pending'
          order by due_at
          limit $1
        )
        union all
        (
          select kind, status, attempts, due_at, last_error, effect_id
          from triaged.effects
          where status <> 'pending' and created_at > triaged.now() - interval '1 day'
          order by created_at desc
          limit $1
        )
      )
      select
        kind,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'skipped') as skipped,
        count(*) filter (where status = 'pending' and last_error is not null) as failing,
        count(*) filter (
          where status = 'pending' and due_at < triaged.now() - make_interval(secs => $2 / 1000.0)
        ) as overdue,
        left(max(last_error) filter (where status <> 'delivered'), 200) as last_error
      from recent
      group by kind
      order by kind`,
    values: [rowsMax, lateMs],
  });
  return rows.map((row) => EffectFacts.parse(row));
}

const TellingFacts = z.object({
  /** Whether the job found somebody to tell at its last look. */
  is_on: z.boolean(),
  /** Whether it has not told of a row that is older than asked. */
  is_late: z.boolean(),
});
export type TellingFacts = z.output<typeof TellingFacts>;

/** How far the job is that tells of history: alerts, pushes, notifications. */
export async function readTellingFacts(
  db: Database,
  { lateMs }: { lateMs: number },
): Promise<TellingFacts> {
  // Whatever statistics say: the pages behind an id, by their summary.
  await db.query({ text: "set local enable_seqscan to off" });
  const [row] = await db.query({
    text: `
      with known as materialized (
        select
          coalesce(bool_or(is_on), false) as is_on,
          coalesce(max(told_id), 9223372036854775807) as told_id
        from triaged.told_history
      )
      select
        known.is_on,
        exists (
          select from triaged.task_history
          where
            history_id > (select told_id from known)
            and at < triaged.now() - make_interval(secs => $1 / 1000.0)
        ) as is_late
      from known`,
    values: [lateMs],
  });
  return TellingFacts.parse(row);
}
