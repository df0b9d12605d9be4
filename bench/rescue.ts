import type { Client } from "pg";
import { startWorker, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { waitFor } from "./frame/wait-for.ts";

const START_MS_MAX = 30_000;
const RESCUE_MS_MAX = 60_000;

export const rescue: Bench = {
  name: "rescue",
  question: "How long after kill -9 of a busy worker do its tasks start again?",
  tasksAre: "tasks that two workers hold between them",
  sizes: { full: { rounds: 20, tasks: 20 }, smoke: { rounds: 1, tasks: 4 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestant = triaged({ concurrency: tasks });
    const values: { firstMs: number; lastMs: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const figures = await stage.withDatabase(contestant, (url) =>
        withClient(url, (client) => killOne({ url, client, tasks })),
      );
      stage.note(`round ${round + 1}: last one started again after ${figures.lastMs.toFixed()} ms`);
      values.push(figures);
    }
    return {
      columns: [
        { key: "firstMs", title: "first task started again, ms", digits: 0 },
        { key: "lastMs", title: "last task started again, ms", digits: 0 },
        { key: "lastMs", title: "slowest round, ms", digits: 0, over: "max" },
      ],
      rows: [
        {
          contestant: contestant.name,
          settings: `two \`triaged work\`, concurrency ${tasks}, all else default`,
          values: {
            firstMs: values.map(({ firstMs }) => firstMs),
            lastMs: values.map(({ lastMs }) => lastMs),
          },
        },
      ],
    };
  },
};

/** Two workers share the tasks; the one that holds more is killed. By the server's clock. */
async function killOne({ url, client, tasks }: { url: string; client: Client; tasks: number }) {
  const words = ["--concurrency", String(tasks)];
  await using first = startWorker(url, [...words, "--name", "first"]);
  await using second = startWorker(url, [...words, "--name", "second"]);
  await waitFor(async () => (await workersOf(client)) === 2, {
    limitMs: START_MS_MAX,
    whileRunning: second,
  });
  // One by one, so that both are woken for some.
  for (let task = 0; task < tasks; task++) {
    await client.query("select task_id from triaged.enqueue_task('hold', '{}')");
  }
  const held = await heldByOne(client, tasks);
  const victim: Child = held.name === "first" ? first : second;

  const killedAt = await serverTime(client);
  await victim.kill();
  let again = { count: 0, firstMs: 0, lastMs: 0 };
  await waitFor(
    async () => {
      again = await startedAgain(client, { taskIds: held.taskIds, killedAt });
      return again.count === held.taskIds.length;
    },
    { limitMs: RESCUE_MS_MAX, everyMs: 20 },
  );
  return { firstMs: again.firstMs, lastMs: again.lastMs };
}

async function workersOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    "select count(*) from triaged.workers where ended_at is null and has_session_lock",
  );
  return Number(rows[0]?.count);
}

/** Who holds the most, once all tasks are started. */
async function heldByOne(client: Client, tasks: number) {
  let most = { name: "", taskIds: new Array<string>() };
  await waitFor(
    async () => {
      const { rows } = await client.query<{ name: string; taskIds: string[] }>(
        `select worker.name, array_agg(task.task_id::text) as "taskIds"
         from triaged.live_tasks as task
         join triaged.workers as worker using (worker_id)
         where task.status = 'started'
         group by worker.name
         order by count(*) desc`,
      );
      most = rows[0] ?? most;
      return rows.flatMap(({ taskIds }) => taskIds).length === tasks;
    },
    { limitMs: START_MS_MAX },
  );
  return most;
}

async function serverTime(client: Client): Promise<string> {
  const { rows } = await client.query<{ at: string }>("select clock_timestamp()::text as at");
  return rows[0]?.at ?? "";
}

/** Of the second attempts at these tasks: how many began, and when, after the kill. */
async function startedAgain(
  client: Client,
  { taskIds, killedAt }: { taskIds: readonly string[]; killedAt: string },
) {
  const { rows } = await client.query<{ count: string; first: string; last: string }>(
    `select
       count(*),
       extract(epoch from min(at) - $2::timestamptz) * 1000 as first,
       extract(epoch from max(at) - $2::timestamptz) * 1000 as last
     from triaged.task_history
     where task_id = any ($1) and event = 'claim' and attempt_count = 2`,
    [taskIds, killedAt],
  );
  const [row] = rows;
  return {
    count: Number(row?.count),
    firstMs: Number(row?.first),
    lastMs: Number(row?.last),
  };
}
