import type { Client } from "pg";

/** Final tasks ended within so many days, the last of which is today. */
const DAYS = 7;
/** Tasks of a type, and of a queue, that are a handful among all. */
export const RARE_TASKS = 30;
/** Tasks of one family, the root among them. */
const FAMILY = 50;

/** What a question needs to be asked about some task of those. */
export type Known = {
  readonly liveTask: string;
  readonly finalTask: string;
  readonly root: string;
  readonly worker: string;
  readonly goneWorker: string;
};

/**
 * Fill the tables as days of work leave them, by plain inserts with the triggers off: `tasks` that
 * are final, of which one in a hundred failed, with three rows of history each, and a tenth as
 * many that wait. 20 types in four queues; a rare type in a rare queue, days ago; a worker that is
 * gone.
 */
export async function fillDays(
  client: Client,
  tasks: number,
  note: (text: string) => void,
): Promise<Known> {
  await client.query("set session_replication_role to replica");
  await client.query(WORKERS);
  await client.query(
    `select triaged.create_partition(name, current_date - day)
     from unnest(array['final_tasks', 'task_history']) as name,
       generate_series(0, $1::integer) as day`,
    [DAYS],
  );
  const ofDay = Math.ceil(tasks / DAYS);
  for (let day = DAYS - 1; day >= 0; day -= 1) {
    await client.query(FINAL, [day, Math.min(ofDay, tasks - ofDay * (DAYS - 1 - day)), ofDay]);
    if (day === Math.floor(DAYS / 2)) {
      await client.query(RARE, [day, RARE_TASKS]);
    }
    await client.query(HISTORY, [day]);
    note(`${(ofDay * (DAYS - day)).toLocaleString("en")} final tasks with their history`);
  }
  await client.query(WAITING, [Math.ceil(tasks / 10)]);
  await client.query(HISTORY_OF_WAITING);
  await client.query("reset session_replication_role");
  for (const table of ["live_tasks", "final_tasks", "task_history", "workers"]) {
    await client.query(`vacuum analyze triaged.${table}`);
  }
  note(`${Math.ceil(tasks / 10).toLocaleString("en")} tasks wait`);
  const { rows } = await client.query<Known>(KNOWN);
  const [known] = rows;
  if (known === undefined) {
    throw new Error("expected tasks of all kinds, found none");
  }
  return known;
}

const WORKERS = `
  insert into triaged.workers (
    name, host, pid, queues, task_types, concurrency, lease, started_at, heartbeat_at, ended_at,
    end_reason
  )
  select
    'worker ' || n, 'host', n, '{default,day,night,low}',
    array(select 'type_' || type from generate_series(0, 19) as type), 10, interval '1 hour',
    now() - interval '8 days', now(),
    case n when 11 then now() - interval '70 hours' end, case n when 11 then 'stopped' end
  from generate_series(1, 11) as n`;

/** $1 days ago: $2 tasks that ended, at a distance of a $3rd of a day. */
const FINAL = `
  insert into triaged.final_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, worker_id, error, parent_task_id, root_task_id, metadata,
    created_at, started_at, ended_at
  )
  select
    nextval('triaged.live_tasks_task_id_seq'),
    case when n % 50 = 0 then 'consumer_triage' else 'type_' || floor(20 * power(random(), 2)) end,
    (array['default', 'day', 'night', 'low'])[1 + n % 4],
    case
      when n % 50 = 0 then jsonb_build_object('source_repo', 'org/repo-' || n % 1000,
        'target_repo', 'org/repo-' || n % 777)
      else jsonb_build_object('of', n)
    end,
    2, case when n % 100 = 7 then 'failed' when n % 1000 = 9 then 'cancelled' else 'finished' end,
    ended_at - run - wait, 1, (n % 100 = 7)::integer, 3, 0, 1 + n % 10,
    case when n % 100 = 7 then 'the other side answered 500' end,
    case when n % 1000 between 1 and ${FAMILY - 1} then first.id + (n - n % 1000) end,
    case when n % 1000 between 1 and ${FAMILY - 1} then first.id + (n - n % 1000) end,
    case
      when n % 40 = 0 then jsonb_build_object('context_id', 'context-' || n % 2000) else '{}'
    end,
    ended_at - run - wait, ended_at - run, ended_at
  from (
    select n, exp(random() * 6 - 5) * interval '1 second' as run,
      exp(random() * 6 - 3) * interval '1 second' as wait,
      least(now(), now() - $1::integer * interval '1 day') - (1 - n::float8 / $3::integer)
        * case when $1::integer = 0 then now() - current_date else interval '1 day' end as ended_at
    from generate_series(1, $2::integer) as n
  ) as made,
  (select last_value as id from triaged.live_tasks_task_id_seq) as first`;

const RARE = `
  insert into triaged.final_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, worker_id, metadata, created_at, started_at, ended_at
  )
  select
    nextval('triaged.live_tasks_task_id_seq'), 'rare', 'rare', '{}', 2, 'finished', ended_at, 1, 0,
    3, 0, 11, '{}', ended_at, ended_at, ended_at
  from (
    select now() - $1::integer * interval '1 day' - n * interval '7 minutes' as ended_at
    from generate_series(1, $2::integer) as n
  ) as made`;

/** Of the tasks that ended between $1 days ago and a day before that. */
const HISTORY = `
  insert into triaged.task_history (
    task_id, task_type, at, event, status, attempt_count, worker_id, actor, error, wait_ms,
    duration_ms, detail
  )
  select
    task_id, task_type, at, event, step.status, step.attempt, step.worker_id, 'worker',
    case when step.status = 'failed' then error end, wait_ms, duration_ms,
    case when step.status = 'failed'
      then jsonb_build_object('class', (array['timeout', 'network', 'other'])[1 + task_id % 3]) end
  from triaged.final_tasks as task
  cross join lateral (
    values
      (created_at, 'enqueue', 'queued', 0, null::bigint, null::bigint, null::bigint),
      (started_at, 'claim', 'started', 1, worker_id,
        triaged.milliseconds(started_at - run_at), null),
      (
        ended_at,
        case task.status when 'finished' then 'finish' when 'failed' then 'fail' else 'cancel' end,
        task.status, 1, worker_id, null, triaged.milliseconds(ended_at - started_at)
      )
  ) as step (at, event, status, attempt, worker_id, wait_ms, duration_ms)
  where
    ended_at <= now() - $1::integer * interval '1 day'
    and ended_at > now() - ($1::integer + 1) * interval '1 day'
    and ($1::integer > 0 or ended_at > current_date)
  order by at`;

const WAITING = `
  insert into triaged.live_tasks (
    task_type, queue, payload, priority, run_at, created_at, metadata
  )
  select
    'type_' || n % 20, (array['default', 'day', 'night', 'low'])[1 + n % 4], '{}', n % 4,
    now() + case when n % 10 = 0 then 1 else -1 end * n * interval '1 millisecond',
    now() - n * interval '1 millisecond', '{}'
  from generate_series(1, $1::integer) as n`;

const HISTORY_OF_WAITING = `
  insert into triaged.task_history (task_id, task_type, at, event, status, attempt_count, actor)
  select task_id, task_type, created_at, 'enqueue', 'queued', 0, 'producer'
  from triaged.live_tasks
  order by created_at`;

const KNOWN = `
  select
    (select min(task_id) from triaged.live_tasks) as "liveTask",
    (select max(task_id) from triaged.final_tasks) as "finalTask",
    (
      select root_task_id from triaged.final_tasks where root_task_id is not null
      order by root_task_id desc limit 1
    ) as root,
    (select min(worker_id) from triaged.workers) as worker,
    (select max(worker_id) from triaged.workers) as "goneWorker"`;
