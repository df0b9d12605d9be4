import type { Client } from "pg";
import { fillAround, WORKERS_GONE } from "./around-tasks.ts";
import { ALIKE, DAYS, FOLDED_FIRST, FOLDED_UNTIL, foldNew, REFERENCE } from "./fold-days.ts";

/** Tasks of a type, and of a queue, that are a handful among all. */
const RARE_TASKS = 30;
/** Tasks of one family, the root among them. */
const FAMILY = 50;
/** What a question needs to be asked about some task of those. */
export type Known = {
  readonly liveTask: string;
  readonly finalTask: string;
  readonly failedTask: string;
  readonly root: string;
  readonly worker: string;
  readonly goneWorker: string;
};

/**
 * Fill the tables as a month of work leaves them, by plain inserts with the triggers off: `tasks`
 * that are final, of which one in a hundred failed, with three rows of history each and two more
 * where an attempt failed, and a tenth as many that wait or run. 23 types in four queues, few of
 * many tasks; a rare type in a rare queue, days ago; a worker that is gone. History is folded as
 * the jobs would have, but that of most days is folded as one of them was, since they are alike:
 * what is kept by hour. The minutes of two and three days ago, which no question reads, are left
 * out. Each step is a transaction that notes that it is done: what was interrupted goes on where
 * it was.
 */
export async function fillDays(
  client: Client,
  tasks: number,
  note: (text: string) => void,
): Promise<Known> {
  await client.query("set session_replication_role to replica");
  await client.query("set synchronous_commit to off");
  await client.query("set work_mem to '256MB'");
  const { once, step } = await stepsOf(client, note);
  await step("workers and partitions", async () => {
    await client.query(KEEP, [String(DAYS + 1)]);
    await client.query(WORKERS);
    await client.query(
      `select triaged.create_partition(name, current_date - day)
       from unnest(array['final_tasks', 'task_history']) as name,
         generate_series(-1, $1::integer) as day`,
      [DAYS + 1],
    );
  });
  const ofDay = Math.ceil(tasks / DAYS);
  for (let day = DAYS - 1; day >= 0; day -= 1) {
    const before = ofDay * (DAYS - 1 - day);
    await step(`final tasks of ${day} days ago`, async () => {
      await client.query(FINAL, [day, Math.min(ofDay, tasks - before), before]);
      if (day === Math.floor(DAYS / 2)) {
        await client.query(RARE, [day, RARE_TASKS, tasks]);
      }
      await client.query(HISTORY, [before, before + ofDay, tasks]);
    });
    await step(`summarized ${day}`, async () => await client.query(SUMMARIZE));
    if (day === FOLDED_UNTIL) {
      await step("rollups of days like others", async () => await client.query(ALIKE, [ofDay]));
    }
    if (day > DAYS - FOLDED_FIRST - 1 || day <= FOLDED_UNTIL) {
      await once(`folded ${day}`, () => foldNew(client, `${day} days ago`, note));
    }
  }
  await step("ranges of lists", async () => await client.query(RANGES));
  await step("live tasks", async () => {
    await client.query(WAITING, [Math.ceil(tasks / 10), tasks + RARE_TASKS]);
    await client.query(CLAIMS);
    await client.query(HISTORY_OF_LIVE);
  });
  await foldNew(client, "live tasks", note);
  await step("what is around tasks", async () => await fillAround(client, tasks));
  await client.query("reset session_replication_role");
  await client.query("reset synchronous_commit");
  await client.query("reset work_mem");
  await vacuumOnce(client, note);
  return await knownOf(client);
}

/** Steps that run once, each noted in its transaction, or where it is long, behind it. */
async function stepsOf(client: Client, note: (text: string) => void) {
  await client.query(`create schema if not exists bench`);
  await client.query(`create table if not exists bench.steps (
    step text primary key, done_at timestamptz not null default clock_timestamp())`);
  const once = async (name: string, work: () => Promise<unknown>) => {
    const done = await client.query("select from bench.steps where step = $1", [name]);
    if (done.rowCount === 1) return;
    await work();
    await client.query("insert into bench.steps (step) values ($1)", [name]);
  };
  const step = async (name: string, work: () => Promise<unknown>) => {
    await client.query("begin");
    await once(name, work);
    await client.query("commit");
    note(name);
  };
  return { once, step };
}

async function vacuumOnce(client: Client, note: (text: string) => void): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    select format('triaged.%I', pg_class.relname) as name
    from pg_stat_all_tables
    join pg_class on pg_class.oid = relid
    where
      schemaname = 'triaged' and relkind = 'r'
      and (
        coalesce(last_vacuum, last_autovacuum) is null
        or coalesce(last_analyze, last_autoanalyze) is null
      )`);
  for (const { name } of rows) {
    await client.query(`vacuum analyze ${name}`);
  }
  if (rows.length > 0) {
    // Of the parents, which no vacuum of a partition gives any statistics.
    await client.query("analyze triaged.final_tasks, triaged.task_history");
  }
  note(`${rows.length} tables vacuumed`);
}

async function knownOf(client: Client): Promise<Known> {
  const { rows } = await client.query<Known>(KNOWN);
  const [known] = rows;
  if (known === undefined) {
    throw new Error("expected tasks of all kinds, found none");
  }
  return known;
}

/** Ten that live, and others that ended, most of them today. The last one ended few tasks. */
const WORKERS = `
  insert into triaged.workers (
    name, host, pid, queues, task_types, concurrency, lease, started_at, heartbeat_at, ended_at,
    end_reason
  )
  select
    'worker ' || n, 'host-' || n % 7, n, '{default,day,night,low}',
    array(select 'type_' || type from generate_series(0, 19) as type), 50, interval '90 days',
    coalesce(ended_at - interval '2 days', now() - interval '${DAYS + 1} days'),
    coalesce(ended_at, now()), ended_at,
    case when ended_at is not null then (array['stopped', 'died', 'stalled'])[1 + n % 3] end
  from (
    select
      n,
      case
        when n <= 10 then null
        when n <= 10 + ${WORKERS_GONE}
          then now() - (n - 10) * interval '1 day' / ${WORKERS_GONE + 10}
        when n <= 10 + ${WORKERS_GONE} + ${DAYS * 20}
          then now() - (n - 10 - ${WORKERS_GONE}) * interval '1 day' / 20
        else now() - interval '${DAYS / 2 - 1} days'
      end as ended_at
    from generate_series(1, 11 + ${WORKERS_GONE} + ${DAYS * 20}) as n
  ) as worker`;

/** $1 days ago: $2 tasks that ended, the first of which has the number after $3. */
const FINAL = `
  insert into triaged.final_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, worker_id, result, error, parent_task_id, root_task_id, metadata,
    created_at, started_at, ended_at
  )
  select
    id, task_type,
    case when n % 20 < 11 then 'default' when n % 20 < 15 then 'day' when n % 20 < 19 then 'night'
      else 'low' end,
    case
      when n % 25 = 0 then jsonb_build_object(
        'source_repo', 'org/repo-' || id % 2999, 'target_repo', 'org/repo-' || id % 2777,
        'commit', md5(id::text))
      else jsonb_build_object(
        'of', id, 'customer', 'c-' || id % 4999, 'region', (array['eu', 'us', 'asia'])[1 + n % 3],
        'note', md5(id::text) || md5(n::text))
    end,
    n % 4, status, ended_at - run - wait, 1 + attempts_lost, attempts_lost
      + (status = 'failed')::integer, 3, 0,
    case
      when n % 10 < 8 then 1 + n % 10
      else 11 + (id % ${WORKERS_GONE}) + case when $1::integer = 0 then 0 else ${WORKERS_GONE}
        + 20 * least($1::integer, ${DAYS - 1}) - id % ${WORKERS_GONE} + id % 20 end
    end,
    case when status = 'finished' and n % 2 = 0
      then jsonb_build_object('is_ok', true, 'took', n % 997, 'of', md5(n::text)) end,
    case when status = 'failed' then (array[
      'the other side answered 500 to request ' || id, 'timeout after 30 s, attempt ' || n % 3,
      'connection to db-' || n % 9 || ' refused', 'no such customer c-' || id % 4999,
      'TypeError: cannot read properties of undefined (reading ''of'') at line ' || n % 400,
      'disk of host-' || n % 7 || ' is full'])[1 + (n / 100) % 6] end,
    case when n % 1000 between 1 and ${FAMILY - 1} and id > 1000 then id - n % 1000 end,
    case when n % 1000 between 1 and ${FAMILY - 1} and id > 1000 then id - n % 1000 end,
    case n % 80
      when 0 then jsonb_build_object('context_id', 'context-' || n % 2000)
      when 40 then jsonb_build_object('context_id', 'run-' || id / 400)
      else '{}'
    end,
    ended_at - run - wait, ended_at - run, ended_at
  from (
    select
      n, $3::bigint + n as id,
      case n % 200 when 0 then 'template_triage' when 100 then 'change_notification'
        else case when n % 25 = 0 then 'consumer_triage'
          else 'type_' || floor(20 * power(random(), 2)) end
      end as task_type,
      case when n % 100 = 7 then 'failed' when n % 1000 = 9 then 'cancelled' else 'finished' end
        as status,
      (n % 50 = 11)::integer as attempts_lost,
      exp(random() * 6 - 5) * interval '1 second' as run,
      exp(random() * 6 - 3) * interval '1 second' as wait,
      first.at + (last.at - first.at) * (n::float8 / $2::integer) as ended_at
    from (select ${REFERENCE} - ($1::integer + 1) * interval '1 day' as at) as first
    cross join (
      select case when $1::integer = 0 then now() else ${REFERENCE} - $1::integer * interval '1 day'
        end as at
    ) as last
    cross join generate_series(1, $2::integer) as n
  ) as made`;

/** $1 days ago: $2 tasks, the first of which has the number after $3. */
const RARE = `
  insert into triaged.final_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, worker_id, metadata, created_at, started_at, ended_at
  )
  select
    $3::bigint + n, 'rare', 'rare', '{}', 2, 'finished', ended_at, 1, 0, 3, 0,
    (select max(worker_id) from triaged.workers), '{}', ended_at, ended_at, ended_at
  from (
    select
      n, ${REFERENCE} - ($1::integer + 0.1) * interval '1 day' - n * interval '7 minutes' as ended_at
    from generate_series(1, $2::integer) as n
  ) as made`;

/** Of the tasks with the numbers after $1 up to $2, and of those after $3, if not yet there. */
const HISTORY = `
  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, error, wait_ms,
    duration_ms, detail
  )
  select
    task_id, task_type, at, event, step.status, step.attempt, step.worker_id, step.actor,
    case when event = 'fail' then coalesce(error, 'gave up for now') end, wait_ms, duration_ms,
    case when event = 'fail'
      then jsonb_build_object('class', (array['timeout', 'network', 'other'])[1 + task_id % 3]) end
  from triaged.final_tasks as task
  cross join lateral (
    select
      created_at, 'enqueue', 'queued', 0, null::bigint, 'producer', null::bigint, null::bigint
    union all
    select
      created_at + (started_at - created_at) * 0.2, 'claim', 'started', 1, worker_id, 'worker',
      triaged.milliseconds((started_at - run_at) * 0.2), null
    where attempt_count = 2
    union all
    select
      created_at + (started_at - created_at) * 0.5, 'fail', 'queued', 1, worker_id, 'worker', null,
      triaged.milliseconds((started_at - created_at) * 0.3)
    where attempt_count = 2
    union all
    select
      started_at, 'claim', 'started', attempt_count, worker_id, 'worker',
      triaged.milliseconds(started_at - run_at), null
    union all
    select
      ended_at,
      case task.status when 'finished' then 'finish' when 'failed' then 'fail' else 'cancel' end,
      task.status, attempt_count, worker_id, 'worker', null,
      triaged.milliseconds(ended_at - started_at)
  ) as step (at, event, status, attempt, worker_id, actor, wait_ms, duration_ms)
  where
    task_id > $1::bigint and task_id <= $2::bigint
    or (
      task_id > $3::bigint
      and not exists (select from triaged.task_history as known where known.task_id = $3 + 1)
    )
  order by at`;

/** As the jobs do before each fold, of each day while it lasts. */
const SUMMARIZE = `
  select brin_summarize_new_values(pg_index.indexrelid)
  from pg_inherits
  join pg_index on indrelid = inhrelid
  join pg_class on pg_class.oid = indexrelid
  join pg_am on pg_am.oid = relam
  where inhparent = 'triaged.task_history'::regclass and amname = 'brin'`;

/** Tasks are kept for as long as they are here, and with them the minutes that lists look in. */
const KEEP = `
  insert into triaged.queue_settings (name, value) values ('task_retention_days', $1)
  on conflict (name) do update set value = excluded.value`;

/** What the folds of all days would have noted; most of these days had none. */
const RANGES = `
  insert into triaged.created_ranges as known (
    span, starts_at, queue, task_type, status, oldest_at, newest_at
  )
  select
    span, date_trunc(span, ended_at, 'UTC'), queue, task_type, status, min(created_at),
    max(created_at)
  from triaged.final_tasks
  cross join (values ('minute'), ('hour')) as of (span)
  where ended_at < now() - interval '1 day'
  group by 1, 2, 3, 4, 5
  on conflict on constraint created_ranges_pkey do update
  set
    oldest_at = least(known.oldest_at, excluded.oldest_at),
    newest_at = greatest(known.newest_at, excluded.newest_at)`;

/** $1 tasks with numbers after $2: nine in ten are due, a thousand wait for a person or run. */
const WAITING = `
  insert into triaged.live_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, created_at, metadata,
    decision_prompt, attempt_count, worker_id, started_at, runs_long, parent_task_id, root_task_id
  )
  overriding system value
  select
    $2::bigint + n,
    case when n % 25 = 0 then 'consumer_triage' else 'type_' || n % 20 end,
    case when n % 20 < 11 then 'default' when n % 20 < 15 then 'day' when n % 20 < 19 then 'night'
      else 'low' end,
    case
      when n % 25 = 0 then jsonb_build_object(
        'source_repo', 'org/repo-' || n % 2999, 'target_repo', 'org/repo-' || n % 2777)
      else jsonb_build_object('of', n, 'customer', 'c-' || n % 4999, 'note', md5(n::text))
    end,
    n % 4, status,
    created_at + case when n % 10 = 0 then interval '1 day' else interval '0' end,
    created_at,
    case n % 80 when 0 then jsonb_build_object('context_id', 'context-' || n % 2000) else '{}' end,
    case status when 'needs_decision' then 'Is this change of ' || n || ' safe?' end,
    (status <> 'queued')::integer,
    case status when 'started' then 1 + n % 10 end,
    case when status <> 'queued' then created_at + interval '1 second' end,
    false,
    case when n % 1000 between 1 and 5 then $2::bigint + n - n % 1000 end,
    case when n % 1000 between 1 and 5 then $2::bigint + n - n % 1000 end
  from (
    select
      n,
      case when n % 2000 = 3 then 'needs_decision' when n <= 200 and n % 2 = 0 then 'started'
        else 'queued' end as status,
      now() - interval '3 hours' * (1 - n::float8 / $1::integer) as created_at
    from generate_series(1, $1::integer) as n
  ) as made`;

const CLAIMS = `
  insert into triaged.claims (worker_id, claimed_at, task_ids)
  select worker_id, min(started_at), array_agg(task_id order by task_id)
  from triaged.live_tasks
  where status = 'started'
  group by worker_id`;

const HISTORY_OF_LIVE = `
  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, wait_ms, duration_ms
  )
  select
    task_id, task_type, at, event, step.status, attempt, worker, actor, wait_ms, duration_ms
  from triaged.live_tasks as task
  cross join lateral (
    values
      (created_at, 'enqueue', 'queued', 0, null::bigint, 'producer', null::bigint, null::bigint),
      (started_at - interval '100 ms', 'claim', 'started', 1, 1 + task_id % 10, 'worker', 900, null),
      (started_at, 'ask', 'needs_decision', 1, 1 + task_id % 10, 'worker', null, 100)
  ) as step (at, event, status, attempt, worker, actor, wait_ms, duration_ms)
  where
    event = 'enqueue' or task.status = 'needs_decision'
    or task.status = 'started' and event = 'claim'
  order by at`;

const KNOWN = `
  select
    (select min(task_id) from triaged.live_tasks where status = 'queued') as "liveTask",
    (
      select task_id from triaged.final_tasks
      where created_at < now() order by created_at desc limit 1
    ) as "finalTask",
    (
      select task_id from triaged.final_tasks
      where status = 'failed' order by created_at desc limit 1
    ) as "failedTask",
    (
      select root_task_id from triaged.final_tasks where root_task_id is not null
      order by root_task_id desc limit 1
    ) as root,
    (select min(worker_id) from triaged.workers) as worker,
    (select max(worker_id) from triaged.workers) as "goneWorker"`;
