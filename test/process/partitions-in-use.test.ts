// Goal: partitions are made, emptied and merged while producers and workers are at work, and
// nobody is refused, stops, or runs an attempt twice.
// Method: real processes on a database that lost its partitions, as where no jobs ran for days.
import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { partitionOf } from "../support/jobs.ts";
import { runCli, startWorkerProcess, type WorkerProcess } from "../support/processes.ts";
import { type SteadyProducer, startSteadyProducer } from "../support/steady-producer.ts";
import { query, queryOne } from "../support/tasks.ts";

const TABLES = ["final_tasks", "task_history"] as const;
/** More than what is moved out of a default partition while its writers wait. */
const MANY_ROWS = 30_000;
const PRODUCERS = 3;

/** Nothing is left but the default partitions, and so many rows of now in each. */
async function loseJobs(client: Client, rows: number): Promise<void> {
  for (const table of TABLES) {
    for (let day = 0; day <= 7; day += 1) {
      await client.query(`drop table triaged.${partitionOf(table, day)}`);
    }
  }
  await client.query(
    `insert into triaged.final_tasks_default (
       task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
       max_attempts, rescue_count, worker_id, metadata, created_at, started_at, ended_at
     )
     select -place, 'noop', 'default', '{}', 2, 'finished', now(), 1, 0, 3, 0, 1, '{}', now(),
       now(), now()
     from generate_series(1, $1::integer) as place`,
    [rows],
  );
  await client.query(
    `insert into triaged.task_history_default (
       history_id, task_id, task_type, at, event, status, attempt_count, worker_id, actor
     )
     overriding system value
     select -3 * place + step, -place, 'noop', now(),
       (array['enqueue', 'claim', 'finish'])[step + 1],
       (array['queued', 'started', 'finished'])[step + 1], least(step, 1), 1, 'worker'
     from generate_series(1, $1::integer) as place cross join generate_series(0, 2) as step`,
    [rows],
  );
}

/** Producers and workers at work, until `act` is done and all that was enqueued has ended. */
async function underTraffic(
  url: string,
  client: Client,
  act: (producers: readonly SteadyProducer[]) => Promise<void>,
): Promise<void> {
  await using first = startWorkerProcess(url);
  await using second = startWorkerProcess(url);
  const workers: WorkerProcess[] = [first, second];
  const ended: unknown[] = [];
  for (const worker of workers) {
    void worker.exited.then((code) => ended.push(code));
  }
  await using one = startSteadyProducer(url);
  await using two = startSteadyProducer(url);
  await using three = startSteadyProducer(url);
  const producers = [one, two, three];
  await one.enqueueMore(100);

  await act(producers);

  await one.enqueueMore(100);
  await Promise.all(producers.map((producer) => producer.stop()));
  expect(producers.map((producer) => producer.errors())).toEqual(Array(PRODUCERS).fill(0));
  const acknowledged = producers.flatMap((producer) => producer.acknowledged());
  await waitFor(async () => (await unfinished(client, acknowledged)) === 0, { deadlineMs: 30_000 });
  expect(ended).toEqual([]);
  expect(
    await query(
      client,
      `select task_id from triaged.task_history where event = 'claim' and task_id > 0
       group by task_id having count(*) > 1`,
    ),
  ).toEqual([]);
  const { code, stdout } = await runCli(["verify"], { env: { DATABASE_URL: url } });
  expect({ code, stdout }).toMatchObject({ code: 0 });
}

async function unfinished(client: Client, taskIds: readonly string[]): Promise<number> {
  const { count } = await queryOne<{ count: number }>(
    client,
    `select count(*)::integer from unnest($1::bigint[]) as given (task_id)
     where not exists (
       select from triaged.final_tasks as task
       where task.task_id = given.task_id and status = 'finished'
     )`,
    [taskIds],
  );
  return count;
}

/** How many days of those from today on have a partition, in both tables. */
async function daysOf(client: Client): Promise<unknown> {
  return await queryOne(
    client,
    `select
       count(*) filter (where starts_at > now())::integer as ahead,
       count(*) filter (where starts_at <= now() and ends_at > now())::integer as today
     from triaged.partitions where ends_at is not null`,
  );
}

async function strayRows(client: Client): Promise<number> {
  const { count } = await queryOne<{ count: number }>(
    client,
    `select (select count(*) from triaged.final_tasks_default)::integer
       + (select count(*) from triaged.task_history_default)::integer as count`,
  );
  return count;
}

test.for([["migrate"], ["jobs", "--once"]])(
  "%s makes the days ahead while many rows of today lie in the default partition and more come",
  async (words, { url, client }) => {
    await loseJobs(client, MANY_ROWS);

    await underTraffic(url, client, async () => {
      const { code, stderr } = await runCli(words, { env: { DATABASE_URL: url } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/warning/) });
    });

    expect(await daysOf(client)).toEqual({ ahead: 14, today: 0 });
    expect(await strayRows(client)).toBeGreaterThan(4 * MANY_ROWS);
  },
);

test("today's partition is made while rows of today come into the default one", async ({
  url,
  client,
}) => {
  await loseJobs(client, 10);

  await underTraffic(url, client, async () => {
    const { code, stderr } = await runCli(["jobs", "--once"], { env: { DATABASE_URL: url } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  expect(await daysOf(client)).toEqual({ ahead: 14, today: 2 });
  expect(await strayRows(client)).toBe(0);
});

test("a writer that is refused because a person made the partition for its row tries again", async ({
  url,
  client,
}) => {
  await loseJobs(client, 0);

  await underTraffic(url, client, async (producers) => {
    for (const table of TABLES) {
      await client.query("begin");
      await client.query(`lock table triaged.${table}_default in access exclusive mode`);
      await waitFor(async () => (await waiting(client)) > 0);
      await makeTodayByHand(client, table);
      await client.query("commit");
      await producers[0]?.enqueueMore(50);
    }
  });

  expect(await daysOf(client)).toEqual({ ahead: 0, today: 2 });
});

/** Whoever writes waits for the default partition by now, and is refused at the commit. */
async function makeTodayByHand(client: Client, table: (typeof TABLES)[number]): Promise<void> {
  const name = partitionOf(table, 0);
  const [from, to] = [0, 1].map((days) => partitionOf("", days).slice(1));
  await client.query(
    `create table triaged.${name} (like triaged.${table} including defaults including constraints)`,
  );
  await client.query(
    `with moved as (delete from triaged.${table}_default returning *)
     insert into triaged.${name} select * from moved`,
  );
  await client.query(
    `alter table triaged.${table} attach partition triaged.${name}
     for values from ('${from}Z') to ('${to}Z')`,
  );
}

async function waiting(client: Client): Promise<number> {
  const { count } = await queryOne<{ count: number }>(
    client,
    `select count(*)::integer from pg_locks
     where
       not granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return count;
}
