/** Ends of all kinds, and what rollups and history hold of them. */
import type { Client } from "pg";
import { claimTasks, enqueue, outcomeOf, query, queryOne, settle, startWorker } from "./tasks.ts";

/** Fold all that can be folded, in steps of `rows`; resolves to how many rows were folded. */
export async function foldAll(client: Client, rows = 50_000): Promise<number> {
  let folded = 0;
  for (;;) {
    const { count } = await queryOne<{ count: number }>(
      client,
      "select triaged.fold_history($1) as count",
      [rows],
    );
    folded += count;
    if (count === 0) {
      return folded;
    }
  }
}

/** Ends by type and status, as the view tells them and as history does. */
export async function bothCounts(client: Client) {
  return {
    told: await query(
      client,
      `select task_type, status, count::integer from triaged.task_statistics order by 1, 2`,
    ),
    recorded: await query(
      client,
      `select task_type, status, count(*)::integer from triaged.task_history
       where status in ('finished', 'failed', 'cancelled') and event <> 'import'
         and at > triaged.now() - interval '24 hours'
       group by 1, 2 order by 1, 2`,
    ),
  };
}

/** All that rollups hold, as text, without how the cells of a histogram are ordered. */
export async function rolledUp(client: Client) {
  const ended = await query(
    client,
    `select span, starts_at, queue, task_type, status, count, run_count, round(run_sum::numeric, 3),
       (select jsonb_object_agg(cell, n) from unnest(run_cells, run_counts) as c (cell, n)) as run,
       (select jsonb_object_agg(cell, n) from unnest(wait_cells, wait_counts) as c (cell, n)) as wait
     from triaged.ended_rollups order by 1, 2, 3, 4, 5`,
  );
  const events = await query(client, "select * from triaged.event_rollups order by 1, 2, 3");
  const failures = await query(client, "select * from triaged.failure_rollups order by 1, 2, 3, 4");
  return { ended, events, failures };
}

const OUTCOMES = ["finish", "finish", "finish", "fail", "retry", "snooze", "release", "ask"];

/** Some tasks of three types and two queues, ended in several ways, some by hand. */
export async function workOff(client: Client, count: number): Promise<void> {
  const types = ["one", "two", "three"];
  for (let place = 0; place < count; place += 1) {
    await enqueue(client, {
      task_type: types[place % 3],
      queue: place % 2 === 0 ? "day" : "night",
    });
  }
  const worker = await startWorker(client, { task_types: types, queues: ["day", "night"] });
  const tasks = await claimTasks(client, worker, { max_tasks: count });
  await settle(
    client,
    tasks.map((task, place) =>
      outcomeOf(task, OUTCOMES[place % OUTCOMES.length] ?? "finish", {
        error: "no",
        delay_ms: 1,
        prompt: "well?",
        detail: { class: place % 3 === 0 ? "timeout" : "other" },
      }),
    ),
  );
  await client.query(
    `select triaged.cancel_task(task_id) from triaged.live_tasks where status = 'needs_decision'`,
  );
  await client.query(
    `select triaged.retry_task(task_id) from triaged.final_tasks
     where status = 'failed' and task_id % 2 = 0`,
  );
  await client.query(
    `update triaged.tasks set status = 'cancelled' where task_type = 'three' and status = 'queued'`,
  );
}
