import type { Client } from "pg";

/** Finished tasks ended within so many days, each day in its partition. */
const DAYS = 10;

/**
 * Fill the tables as weeks of work leave them, by plain inserts: `tasks` that are due, as many
 * delayed of the two higher priorities, as many due of a type that nobody handles, and twice as
 * many finished. Without history, whose trigger is off meanwhile: a claim reads none of it.
 */
export async function fillBacklog(
  client: Client,
  tasks: number,
  note: (text: string) => void,
): Promise<void> {
  await client.query("set session_replication_role to replica");
  const insert = async (title: string, query: string, count: number) => {
    const { rowCount } = await client.query(query, [count]);
    if (rowCount !== count) {
      throw new Error(`expected ${count} tasks, ${title}, got ${rowCount}`);
    }
    note(`${count.toLocaleString("en")} tasks, ${title}`);
  };
  await insert("due", LIVE("'noop'", "2", "now() - interval '1 hour'"), tasks);
  await insert(
    "delayed, of a higher priority",
    LIVE("'noop'", "place % 2", "now() + interval '1 day'"),
    tasks,
  );
  await insert(
    "due, of a type that nobody handles",
    LIVE("'nobody'", "place % 4", "now() - interval '1 hour'"),
    tasks,
  );
  await client.query(
    `select triaged.create_partition('final_tasks', current_date - day)
     from generate_series(0, $1) as day`,
    [DAYS],
  );
  await insert("finished", FINAL, 2 * tasks);
  await client.query("reset session_replication_role");
  await client.query("vacuum analyze triaged.live_tasks");
  await client.query("vacuum analyze triaged.final_tasks");
}

/** A microsecond apart, as rows of one bulk are not, and those of many producers are. */
const LIVE = (taskType: string, priority: string, runAt: string) =>
  `insert into triaged.live_tasks (task_type, payload, priority, run_at, created_at)
   select
     ${taskType}, '{"of": 1}', ${priority},
     ${runAt} + place * interval '1 microsecond', now() - interval '2 hours'
   from generate_series(1, $1::integer) as place`;

const FINAL = `
  insert into triaged.final_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count,
    failure_count, max_attempts, rescue_count, metadata, created_at, started_at, ended_at
  )
  select
    nextval(pg_get_serial_sequence('triaged.live_tasks', 'task_id')), 'noop', 'default',
    '{"of": 1}', 2, 'finished', ended_at, 1, 0, 3, 0, '{}', ended_at, ended_at, ended_at
  from (
    select now() - (place::float8 / $1) * interval '${DAYS} days' as ended_at
    from generate_series(1, $1::integer) as place
  ) as ended`;
