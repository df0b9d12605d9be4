import { z } from "zod";
import type { Database } from "./database.ts";

const Count = z.coerce.number();

const ServerFacts = z.object({
  server_version: z.string(),
  fsync: z.string(),
  full_page_writes: z.string(),
  synchronous_commit: z.string(),
  autovacuum: z.string(),
  max_connections: Count,
  reserved_connections: Count,
  /** Sessions of clients, on the whole server. */
  connections: Count,
  is_standby: z.boolean(),
  /** Whether this role may enqueue. */
  may_enqueue: z.boolean(),
});

const QueueFacts = z.object({
  live_tasks: Count,
  dead_tuples: Count,
  workers_alive: Count,
  /** Not ended, but without a heartbeat within their lease. */
  workers_silent: Count,
  /** Task types with due tasks that no living worker handles. */
  unhandled_types: z.array(z.string()),
  paused_queues: z.array(z.string()),
  /** Whole days after today for which both tables have a partition. */
  partition_days_ahead: Count,
  /** Rows that lie in a default partition, counted up to 1,000. */
  default_partition_rows: Count,
});

/** What holds back vacuum: the session, or another holder, with the oldest snapshot. */
const OldestSnapshot = z.object({
  pid: z.int().nullable(),
  held_by: z.string(),
  state: z.string().nullable(),
  age_seconds: z.coerce.number().nullable(),
});

export type Facts = {
  readonly server: z.output<typeof ServerFacts>;
  readonly queue: z.output<typeof QueueFacts>;
  /** Null when nothing holds back vacuum. */
  readonly oldestSnapshot: z.output<typeof OldestSnapshot> | null;
};

/** What `triaged doctor` judges. Cheap: it counts no more than a thousand rows anywhere. */
export async function readFacts(db: Database): Promise<Facts> {
  const [server] = await db.query({ text: SERVER_FACTS });
  const [queue] = await db.query({ text: QUEUE_FACTS });
  const [snapshot] = await db.query({ text: OLDEST_SNAPSHOT });
  return {
    server: ServerFacts.parse(server),
    queue: QueueFacts.parse(queue),
    oldestSnapshot: snapshot === undefined ? null : OldestSnapshot.parse(snapshot),
  };
}

const SERVER_FACTS = `
  select
    current_setting('server_version') as server_version,
    current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('autovacuum') as autovacuum,
    current_setting('max_connections') as max_connections,
    current_setting('superuser_reserved_connections') as reserved_connections,
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
    pg_is_in_recovery() as is_standby,
    has_function_privilege('triaged.enqueue_tasks(jsonb)', 'execute') as may_enqueue`;

const QUEUE_FACTS = `
  with days as (
    select
      inherited.inhparent,
      max(to_date(right(partition.relname, 8), 'YYYYMMDD')) as last_day
    from pg_inherits as inherited
    join pg_class as partition on partition.oid = inherited.inhrelid
    where
      inherited.inhparent in ('triaged.final_tasks'::regclass, 'triaged.task_history'::regclass)
      and partition.relname ~ '_[0-9]{8}$'
    group by inherited.inhparent
  ),
  alive as (
    select * from triaged.workers where ended_at is null and heartbeat_at >= triaged.now() - lease
  )
  select
    coalesce(seen.n_live_tup, 0) as live_tasks,
    coalesce(seen.n_dead_tup, 0) as dead_tuples,
    (select count(*) from alive) as workers_alive,
    (
      select count(*) from triaged.workers
      where ended_at is null and heartbeat_at < triaged.now() - lease
    ) as workers_silent,
    array(
      select distinct depth.task_type
      from triaged.queue_depth as depth
      where depth.due > 0 and not exists (
        select from alive where depth.task_type = any (alive.task_types)
          and depth.queue = any (alive.queues)
      )
      order by depth.task_type
      limit 10
    ) as unhandled_types,
    array(
      select queue from triaged.queues where paused_at is not null order by queue
    ) as paused_queues,
    (
      select case when count(*) = 2
        then min(last_day) - (triaged.now() at time zone 'UTC')::date else -1 end
      from days
    ) as partition_days_ahead,
    (
      select count(*) from (
        (select from triaged.final_tasks_default limit 500)
        union all
        (select from triaged.task_history_default limit 500)
      ) as strays
    ) as default_partition_rows
  from (values (1)) as one
  left join pg_stat_user_tables as seen on seen.relid = 'triaged.live_tasks'::regclass`;

const OLDEST_SNAPSHOT = `
  select pid, held_by, state, age_seconds
  from (
    select
      pid,
      concat_ws(' ', 'session of', usename, nullif(application_name, '')) as held_by,
      state,
      extract(epoch from now() - xact_start) as age_seconds,
      age(backend_xmin) as age
    from pg_stat_activity
    where backend_xmin is not null and pid <> pg_backend_pid()
    union all
    select null, 'prepared transaction ' || gid, null, extract(epoch from now() - prepared),
      age(transaction)
    from pg_prepared_xacts
    union all
    select active_pid, 'replication slot ' || slot_name, null, null, age(xmin)
    from pg_replication_slots
    where xmin is not null
  ) as holders
  order by age desc
  limit 1`;
