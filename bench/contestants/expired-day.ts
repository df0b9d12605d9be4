import type { Client } from "pg";
import { withClient } from "../frame/databases.ts";
import type { Installable } from "../frame/stage.ts";
import { triaged } from "./triaged.ts";

/** What retention keeps in the bench; the day that is filled lies before that. */
export const KEPT_DAYS = 7;
const FILLED_DAYS_AGO = 30;

/** triaged with one day of finished tasks, and of their history, that retention may drop. */
export function triagedWithExpiredDay(options: {
  tasks: number;
  concurrency: number;
}): Installable & { settings: string } {
  const { tasks, concurrency } = options;
  const queue = triaged({ concurrency });
  return {
    // A name of its own: by that the stage keeps what is installed.
    name: "triaged, with an expired day",
    settings: queue.settings,
    install: async (url) => {
      await queue.install(url);
      await withClient(url, (client) => fillDay(client, tasks));
    },
  };
}

/** Straight into the partitions, past the triggers of the tables; the rows are the same. */
async function fillDay(client: Client, tasks: number): Promise<void> {
  const { rows } = await client.query<{ day: string; suffix: string }>(
    `select day::text, to_char(day, 'YYYYMMDD') as suffix
     from cast((triaged.now() at time zone 'UTC')::date - $1::integer as date) as day
     cross join lateral triaged.create_partition('final_tasks', day) as tasks
     cross join lateral triaged.create_partition('task_history', day) as history`,
    [FILLED_DAYS_AGO],
  );
  const [{ day, suffix } = { day: "", suffix: "" }] = rows;
  await client.query(
    `insert into triaged.final_tasks_${suffix} (
       task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
       max_attempts, rescue_count, worker_id, metadata, created_at, started_at, ended_at
     )
     select
       place, 'ping', 'default', '{}', 2, 'finished', at, 1, 0, 3, 0, 1, '{}',
       at, at + '5 ms', at + '10 ms'
     from generate_series(1, $2::integer) as place
     cross join lateral cast(
       $1::date::timestamp at time zone 'UTC' + place * (interval '23 hours' / $2) as timestamptz
     ) as at`,
    [day, tasks],
  );
  await client.query(
    `insert into triaged.task_history_${suffix} (
       history_id, task_id, task_type, at, event, status, attempt_count, worker_id, actor
     )
     overriding system value
     select
       3 * task_id + step, task_id, task_type,
       case step when 0 then created_at when 1 then started_at else ended_at end,
       case step when 0 then 'enqueue' when 1 then 'claim' else 'finish' end,
       case step when 0 then 'queued' when 1 then 'started' else 'finished' end,
       least(step, 1), case when step > 0 then 1 end, 'worker'
     from triaged.final_tasks_${suffix}
     cross join generate_series(0, 2) as step`,
  );
  await client.query(
    `select
       setval('triaged.live_tasks_task_id_seq', $1),
       setval('triaged.task_history_history_id_seq', 3 * $1 + 2)`,
    [tasks],
  );
  // Else autovacuum comes while the clock runs.
  await client.query(
    `vacuum analyze triaged.final_tasks_${suffix}, triaged.task_history_${suffix}`,
  );
}
