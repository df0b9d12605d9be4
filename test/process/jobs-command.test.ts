// `triaged jobs` as a process.
import { expect, inject } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { dropDatabase, makeDatabase, urlOf } from "../support/databases.ts";
import { makePartition, partitionOf, partitionsOf } from "../support/jobs.ts";
import { runCli, runJson, startCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

test("jobs run until SIGTERM, which ends them with 0", async ({ url }) => {
  const jobs = startCli(["jobs"], { env: { DATABASE_URL: url } });
  await waitFor(() => jobs.output.stderr.includes('"jobs started"'));

  jobs.signal("SIGTERM");

  const { code, stdout, stderr } = await jobs.ended;
  expect(code).toBe(0);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringContaining('"jobs started"'),
    expect.stringContaining('"jobs stopped"'),
  ]);
});

test("the job of a killed process is run by the next one", async ({ url, connect }) => {
  const client = await connect();
  const blocker = await connect();
  const killed = startCli(["jobs"], { env: { DATABASE_URL: url } });
  await waitFor(() => killed.output.stderr.includes('"jobs started"'));
  await blocker.query("begin");
  await blocker.query("lock table triaged.dedupe_keys");
  await client.query("select graphile_worker.add_job('expire-rows', '{}')");
  await waitFor(async () => (await lockedJobs()) === 1);
  killed.signal("SIGKILL");
  await killed.ended;
  await blocker.query("commit");

  const next = startCli(["jobs"], { env: { DATABASE_URL: url, LOG_LEVEL: "debug" } });

  await waitFor(() => /"expire-rows".*"job finished"/.test(next.output.stderr));
  next.signal("SIGTERM");
  expect((await next.ended).code).toBe(0);

  async function lockedJobs(): Promise<number> {
    const rows = await query(
      client,
      "select from graphile_worker.jobs where task_identifier = 'expire-rows' and locked_at is not null",
    );
    return rows.length;
  }
});

test("--once runs every job and says what it did", async ({ url, connect }) => {
  const client = await connect();
  await makePartition(client, "final_tasks", -3);
  await makePartition(client, "task_history", -3);
  const env = { DATABASE_URL: url, TASK_RETENTION_DAYS: "2", HISTORY_RETENTION_DAYS: "0" };

  const first = await runCli(["jobs", "--once"], { env });
  const second = await runJson(url, ["jobs", "--once"]);

  expect(first.code).toBe(0);
  expect(first.stdout).toContain(
    `drop-expired-partitions        1  partitionsDropped=${partitionOf("final_tasks", -3)}\n`,
  );
  expect(second).toEqual([
    { job: "create-partitions", changes: 0, partitionsMade: 0 },
    { job: "run-operations", changes: 0, operationsDone: 0 },
    { job: "fold-history", changes: 0, rowsFolded: 0 },
    { job: "drop-expired-partitions", changes: 0, partitionsDropped: [] },
    {
      job: "expire-rows",
      changes: 0,
      dedupeKeysDeleted: 0,
      workersDeleted: 0,
      effectsDeleted: 0,
      pushConfigsDeleted: 0,
      operationsDeleted: 0,
      auditLogsDeleted: 0,
    },
    { job: "watch-server", changes: 0, changesSeen: 0 },
    { job: "unlock-dead-runners", changes: 0, runnersUnlocked: 0 },
    { job: "expire-verdicts", changes: 0, triageResultsDeleted: 0 },
    { job: "gather-digest", changes: 0, digestsMade: 0 },
    { job: "sweep-effects", changes: 0, effectsSwept: 0 },
    { job: "verify", changes: 0 },
    { job: "merge-partitions", changes: 0, partitionsMade: [] },
  ]);
  expect(await query(client, "select from pg_namespace where nspname = 'graphile_worker'")).toEqual(
    [],
  );
});

test("a job that fails, and a day, stop no other, and the command tells of them", async ({
  url,
  connect,
}) => {
  const client = await connect();
  for (const days of [2, 3, 4]) {
    await client.query(`drop table triaged.${partitionOf("task_history", days)}`);
  }
  // The name is taken.
  await client.query(`create table triaged.${partitionOf("task_history", 3)} ()`);
  await makePartition(client, "final_tasks", -30);

  const { code, stdout, stderr } = await runCli(["jobs", "--once"], {
    env: { DATABASE_URL: url },
  });

  expect(code).toBe(1);
  expect(stderr).toMatch(/^job create-partitions failed\nerror: .*already exists/);
  expect(stdout).toContain(`partitionsDropped=${partitionOf("final_tasks", -30)}`);
  expect(stdout).toContain("sweep-effects");
  expect(await partitionsOf(client, "task_history")).toEqual(
    [0, 1, 2, 4, 5, 6, 7].map((days) => partitionOf("task_history", days)),
  );
});

test("jobs refuse a database without the schema", async () => {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "bare");

  const { code, stderr } = await runCli(["jobs"], {
    env: { DATABASE_URL: urlOf(serverUrl, name) },
  });

  expect(code).toBe(78);
  expect(stderr).toContain("hint: run `triaged migrate`");
  await dropDatabase(serverUrl, name);
});

test("jobs need the rights of an owner, and say so", async ({ url, connect }) => {
  const client = await connect();
  const role = new URL(url).pathname.slice(1);
  await client.query(`create role ${role} login password 'test' in role triaged_api`);
  const theirs = new URL(url);
  theirs.username = role;
  theirs.password = "test";

  const { code, stderr } = await runCli(["jobs"], { env: { DATABASE_URL: theirs.href } });

  expect(code).toBe(78);
  expect(stderr).toMatch(
    /^error: the jobs may not have schema graphile_worker: permission denied .*\nhint: grant .*\n$/,
  );
  await client.query(`drop role ${role}`);
});

test("no server is exit code 75", async () => {
  const env = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" };

  const { code, stderr } = await runCli(["jobs"], { env });

  expect(code).toBe(75);
  expect(stderr).toContain("error: the database cannot be reached: connect ECONNREFUSED");
});
