// When graphile-worker runs the jobs of maintenance, over several processes and outages.
import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import {
  hideTrace,
  makePartition,
  partitionOf,
  partitionsOf,
  type RunningJobs,
  startedJobs,
  startJobs,
} from "../support/jobs.ts";
import { query, queryOne } from "../support/tasks.ts";

const CUT = "jobs lost a connection";
const AGAIN = "jobs run again";
const HOUR_MS = 3_600_000;

/** How often the job ran, over these processes. */
function runsOf(job: string, processes: readonly RunningJobs[]): number {
  return processes
    .flatMap((running) => running.log())
    .filter((line) => line["job"] === job && line.msg === "job finished").length;
}

async function addJob(db: Client, name: string): Promise<void> {
  await db.query("select graphile_worker.add_job($1, '{}')", [name]);
}

/** Wait until graphile-worker has no job left that is due. */
async function waitUntilDone(db: Client): Promise<void> {
  await waitFor(async () => (await query(db, "select from graphile_worker.jobs")).length === 0);
}

async function addExpiredKey(db: Client, schema = "triaged"): Promise<void> {
  await db.query(
    `insert into ${schema}.dedupe_keys (dedupe_key, task_id, until)
     values ('gone', 0, now() - interval '1 second')`,
  );
}

/** Have the job that expires rows run, and wait for a lock that the blocker keeps. */
async function holdUpExpiry(db: Client, blocker: Client): Promise<void> {
  await addExpiredKey(db);
  await blocker.query("begin");
  await blocker.query("lock table triaged.dedupe_keys");
  await addJob(db, "expire-rows");
  await waitFor(() => isBlocked(db));
}

/** Stop the processes when the scope ends. */
function stopping(processes: readonly RunningJobs[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const OF_JOBS = "datname = current_database() and application_name = 'triaged jobs'";

/** Have the server end every connection of the jobs. */
async function endConnections(db: Client): Promise<void> {
  await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${OF_JOBS}`);
}

/** How many connections listen for jobs. */
async function listening(db: Client): Promise<number> {
  const { count } = await queryOne<{ count: number }>(
    db,
    `select count(*)::integer as count from pg_stat_activity
     where ${OF_JOBS} and query like 'LISTEN%'`,
  );
  return count;
}

/** Whether a job waits for a lock. */
async function isBlocked(db: Client): Promise<boolean> {
  const rows = await query(
    db,
    `select from pg_stat_activity where ${OF_JOBS} and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

/** The newest time at which expired partitions were due to be dropped. */
function lastDropTime(): Date {
  const time = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
  while (![2, 3, 4, 5].includes(time.getUTCHours())) {
    time.setTime(time.getTime() - HOUR_MS);
  }
  return time;
}

test("the jobs start by making the partitions that are missing", async ({ url, connect }) => {
  const client = await connect();
  await client.query(`drop table triaged.${partitionOf("final_tasks", 7)}`);

  await using jobs = await startedJobs(url);

  await waitFor(async () =>
    (await partitionsOf(client, "final_tasks")).includes(partitionOf("final_tasks", 7)),
  );
  await waitFor(() => jobs.messages().includes("job finished"));
  expect(jobs.log().filter(({ msg }) => msg === "job finished")).toContainEqual(
    expect.objectContaining({ level: "info", job: "create-partitions", partitionsMade: 1 }),
  );
  expect(jobs.messages()).toEqual(["jobs started", "job finished"]);
});

test("a missed run is caught up once", async ({ url, connect }) => {
  const client = await connect();
  const before = await startedJobs(url);
  await waitUntilDone(client);
  before.stop();
  await before.ended;
  await makePartition(client, "final_tasks", -8);
  const aMinuteBefore = new Date(lastDropTime().getTime() - 60_000);
  await client.query(
    `update graphile_worker._private_known_crontabs set known_since = $1, last_execution = $1
     where identifier = 'drop-expired-partitions'`,
    [aMinuteBefore],
  );

  await using one = startJobs(url);
  await using other = startJobs(url);

  for (const process of [one, other]) {
    await waitFor(() => process.messages().includes("jobs started"));
  }
  await waitUntilDone(client);
  expect(runsOf("drop-expired-partitions", [one, other])).toBe(1);
  expect(await partitionsOf(client, "final_tasks")).not.toContain(partitionOf("final_tasks", -8));
});

test("processes that start at once on a new database share the jobs", async ({ url, connect }) => {
  const client = await connect();
  const processes = Array.from({ length: 6 }, () => startJobs(url));
  await using _ = stopping(processes);
  await waitFor(() => processes.every((one) => one.messages().includes("jobs started")));

  await addJob(client, "expire-rows");

  await waitUntilDone(client);
  expect(runsOf("expire-rows", processes)).toBe(1);
  expect(processes.flatMap((one) => one.messages())).toEqual(processes.map(() => "jobs started"));
});

test("queues of different names in one database have jobs of their own", async ({
  url,
  connect,
}) => {
  const client = await connect();
  await migrate({ connectionString: url }, { schema: "other" });

  await using jobs = await startedJobs(url, { schema: "other" });

  const { rows } = await client.query(
    "select nspname as name from pg_namespace where nspname ~ 'graphile|_jobs'",
  );
  expect(rows).toEqual([{ name: "other_jobs" }]);
  await addExpiredKey(client, "other");
  await client.query("select other_jobs.add_job('expire-rows', '{}')");
  await waitFor(() => runsOf("expire-rows", [jobs]) === 1);
  expect(await query(client, "select from other.dedupe_keys")).toEqual([]);
});

test("all its connections come back after they were lost", async ({ url, connect }) => {
  const client = await connect();
  await using jobs = await startedJobs(url);
  await waitUntilDone(client);

  await endConnections(client);

  await waitFor(() => jobs.said(AGAIN));
  expect(jobs.messages()).toEqual(["jobs started"]);
  expect(await listening(client)).toBe(1);
  await addJob(client, "expire-rows");
  await waitFor(() => runsOf("expire-rows", [jobs]) === 1);
});

test("a job that loses its connection runs again", async ({ url, connect }) => {
  const client = await connect();
  const blocker = await connect();
  await using jobs = await startedJobs(url);
  await waitUntilDone(client);
  await holdUpExpiry(client, blocker);

  await endConnections(client);
  await waitFor(() => jobs.said(AGAIN));
  await blocker.query("commit");

  await waitUntilDone(client);
  // Its clock, every five minutes, may start one more, which finds nothing and says so as debug.
  const effective = jobs
    .log()
    .filter(({ msg, level }) => msg === "job finished" && level === "info");
  expect(effective).toEqual([expect.objectContaining({ job: "expire-rows" })]);
  expect(jobs.messages().filter((msg) => msg.startsWith("job failed"))).toHaveLength(1);
  expect(await query(client, "select from triaged.dedupe_keys")).toEqual([]);
});

test("a job that ended without anybody noticing runs again", async ({ url, connect }) => {
  hideTrace();
  const client = await connect();
  const blocker = await connect();
  const completionBlocker = await connect();
  await using jobs = await startedJobs(url);
  await waitUntilDone(client);
  await blocker.query("begin");
  await blocker.query("lock table triaged.dedupe_keys");
  await addJob(client, "expire-rows");
  await waitFor(() => isBlocked(client));
  await completionBlocker.query("begin");
  await completionBlocker.query("lock table graphile_worker._private_jobs in exclusive mode");
  await blocker.query("commit");
  await waitFor(() => runsOf("expire-rows", [jobs]) === 1);
  await waitFor(() => isBlocked(client));

  await endConnections(client);
  await waitFor(() => jobs.said(CUT));
  await completionBlocker.query("commit");

  await waitFor(() => runsOf("expire-rows", [jobs]) === 2);
  await waitUntilDone(client);
  expect(jobs.messages()).toEqual(["jobs started"]);
});

test("a job that runs is let end when the process stops", async ({ url, connect }) => {
  const client = await connect();
  const blocker = await connect();
  await using jobs = await startedJobs(url);
  await waitUntilDone(client);
  await holdUpExpiry(client, blocker);

  jobs.stop();
  await blocker.query("commit");
  await jobs.ended;

  expect(runsOf("expire-rows", [jobs])).toBe(1);
  expect(await query(client, "select from graphile_worker.jobs")).toEqual([]);
  expect(jobs.messages()).toEqual(["jobs started", "job finished", "jobs stopped"]);
});

test("a database that cannot be reached at the start is an error", async () => {
  const jobs = startJobs("postgres://nobody@127.0.0.1:1/nothing");

  await expect(jobs.ended).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(jobs.log()).toEqual([]);
});
