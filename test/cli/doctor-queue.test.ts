// `triaged doctor` on what runs: partitions, jobs, workers, lanes.

import { expect } from "vitest";
import { jobsProbe } from "../../src/doctor/jobs.ts";
import { partitionsProbe } from "../../src/doctor/partitions.ts";
import { locksProbe } from "../../src/doctor/sessions.ts";
import { lanesProbe, workersProbe } from "../../src/doctor/workers.ts";
import { test, waitFor } from "../support/connections.ts";
import { findingsOf } from "../support/doctor.ts";
import { openStranger, squat } from "../support/hostile-role.ts";
import { startedJobs } from "../support/jobs.ts";
import { runCli } from "../support/processes.ts";
import { claimTasks, enqueue, query, startWorker } from "../support/tasks.ts";

/** Drop the partition of a day counted from today. */
const DROP = `do $$ begin
  execute 'drop table triaged.' || 'TABLE' ||
    to_char((triaged.now() at time zone 'UTC')::date + AHEAD, '_YYYYMMDD');
end $$`;

test.for([
  ["final_tasks", 0, "error", "final_tasks has none for today"],
  ["task_history", 1, "warning", "task_history has them 0 days ahead"],
  ["task_history", 3, "ok", "task_history has them 2 days ahead"],
] as const)(
  "of %s without the partition of day %i: %s",
  async ([table, ahead, level, found], { url, client }) => {
    await client.query(DROP.replace("TABLE", table).replace("AHEAD", String(ahead)));

    expect(await findingsOf(url, partitionsProbe)).toContainEqual(
      expect.objectContaining({ level, subject: "partitions", found }),
    );
  },
);

test("more rows of today than can be moved are no error while tomorrow has a partition", async ({
  url,
  client,
}) => {
  await client.query(DROP.replace("TABLE", "task_history").replace("AHEAD", "0"));
  await client.query(`insert into triaged.task_history
    (task_id, task_type, at, event, status, attempt_count, actor)
    select n, 'noop', now(), 'enqueue', 'queued', 0, 'test' from generate_series(1, 1001) as n`);

  expect(await findingsOf(url, partitionsProbe)).toContainEqual({
    level: "warning",
    subject: "partitions",
    found: "task_history has none for today, over 1000 rows in the default partition",
    advice: expect.stringContaining("when the day is over"),
  });
});

test("rows in a default partition are a warning", async ({ url, client }) => {
  await client.query(`insert into triaged.task_history
    (task_id, task_type, at, event, status, attempt_count, actor)
    overriding system value
    values (1, 'noop', '2001-01-01', 'enqueue', 'queued', 0, 'test')`);

  expect(await findingsOf(url, partitionsProbe)).toContainEqual({
    level: "warning",
    subject: "partitions",
    found: "task_history has them 7 days ahead, 1 row in the default partition",
    advice: expect.stringContaining("triaged jobs"),
  });
});

test("jobs that never ran are a warning, and those that run are well", async ({ url }) => {
  expect(await findingsOf(url, jobsProbe)).toMatchObject([
    { level: "warning", found: "`triaged jobs` has never run here" },
  ]);

  await using jobs = await startedJobs(url);

  await waitFor(async () => (await findingsOf(url, jobsProbe))[0]?.level === "ok");
  jobs.stop();
  await jobs.ended;
});

test("a job that missed its time is a warning, and so is one that fails", async ({
  url,
  client,
}) => {
  await using jobs = await startedJobs(url);
  await waitFor(async () => (await findingsOf(url, jobsProbe))[0]?.level === "ok");
  jobs.stop();
  await jobs.ended;

  await client.query(`update graphile_worker._private_known_crontabs
    set known_since = now() - interval '9 days', last_execution = now() - interval '2 days'
    where identifier = 'expire-rows'`);
  await client.query(`select graphile_worker.add_job('create-partitions');
    update graphile_worker._private_jobs set attempts = 3, last_error = 'no room'`);

  expect(await findingsOf(url, jobsProbe)).toEqual([
    {
      level: "warning",
      subject: "jobs",
      found: expect.stringMatching(/^expire-rows was due at \S+, and ran last at /),
      advice: expect.stringContaining("triaged jobs --once"),
    },
    {
      level: "warning",
      subject: "jobs",
      found: "create-partitions failed 3 times: no room",
      advice: expect.stringMatching(/\w/),
    },
  ]);
});

test("a role that reads the tables of the jobs and is shown no rows is told so", async ({
  url,
  client,
}) => {
  await using jobs = await startedJobs(url);
  const reader = new URL(url);
  reader.username = `rows_${reader.pathname.slice(1)}`;
  reader.password = "s3cret";
  await client.query(`create role ${reader.username} login password 's3cret';
    grant usage on schema graphile_worker to ${reader.username};
    grant select on all tables in schema graphile_worker to ${reader.username}`);

  const findings = await findingsOf(reader.href, jobsProbe);

  jobs.stop();
  await jobs.ended;
  await client.query(`drop owned by ${reader.username}; drop role ${reader.username}`);
  expect(findings).toEqual([
    {
      level: "warning",
      subject: "jobs",
      found: expect.stringContaining("not allowed to look"),
      advice: expect.stringMatching(/\w/),
    },
  ]);
});

test("a silent worker shows with what it holds", async ({ url, client }) => {
  await startWorker(client, { name: "alive-1" });
  const silent = await startWorker(client, { name: "silent-1" });
  await enqueue(client);
  await claimTasks(client, silent);
  await query(
    client,
    "update triaged.workers set heartbeat_at = now() - interval '1 hour' where worker_id = $1",
    [silent],
  );

  expect(await findingsOf(url, workersProbe)).toEqual([
    { level: "ok", subject: "workers", found: "1 alive", advice: null },
    {
      level: "warning",
      subject: "workers",
      found: expect.stringMatching(
        new RegExp(
          `^worker ${silent} \\(silent-1, .*\\) is silent for 36\\d\\d s and holds 1 task$`,
        ),
      ),
      advice: expect.stringMatching(/\w/),
    },
  ]);
});

test("a worker that ended is not missed", async ({ url, client }) => {
  await startWorker(client);
  await client.query(`update triaged.workers
    set heartbeat_at = now() - interval '1 hour', ended_at = now(), end_reason = 'stopped'`);

  expect(await findingsOf(url, workersProbe)).toMatchObject([{ found: "none is alive" }]);
});

test("paused queues and task types are named", async ({ url, client }) => {
  await startWorker(client);
  await client.query("select triaged.pause_queue('mail'), triaged.pause_queue('post')");
  await client.query(`insert into triaged.task_types (task_type, max_attempts, paused_at)
    values ('letter', 3, now())`);

  const findings = await findingsOf(url, lanesProbe);

  expect(findings).toMatchObject([
    { level: "warning", subject: "queues", found: "paused: mail, post" },
    { level: "warning", subject: "task types", found: "paused: letter" },
    { level: "ok", subject: "handlers" },
  ]);
  const advised = findings.slice(0, 2).flatMap(({ advice }) => String(advice).split("; "));
  expect(advised).toHaveLength(3);
  for (const command of advised) {
    const [, ...words] = command.split(" ");
    expect(await runCli(words, { env: { DATABASE_URL: url } })).toMatchObject({ code: 0 });
  }
  expect(await findingsOf(url, lanesProbe)).toMatchObject([{ level: "ok" }, { level: "ok" }, {}]);
});

test("tasks that no worker takes are named by type and queue", async ({ url, client }) => {
  await startWorker(client);
  await enqueue(client);
  await enqueue(client, { queue: "mail" });
  await enqueue(client, { task_type: "letter" });
  await enqueue(client, { task_type: "letter" });
  await enqueue(client, { task_type: "a later one", run_at: "2100-01-01" });

  expect(await findingsOf(url, lanesProbe)).toContainEqual({
    level: "warning",
    subject: "handlers",
    found:
      "queued, and no worker takes it: a later one (queue default), letter (queue default), " +
      "noop (queue mail)",
    advice: expect.stringContaining("--queue"),
  });
});

test("a session that keeps a lock of the queue is named, with what it costs", async ({
  url,
  client,
}) => {
  expect(await findingsOf(url, locksProbe)).toMatchObject([{ level: "ok" }, { level: "ok" }]);
  await using stranger = await openStranger(url);
  await squat(stranger, ["wake-up", 0]);
  await startWorker(client);

  expect(await findingsOf(url, locksProbe)).toContainEqual({
    level: "warning",
    subject: "locks",
    found:
      `wake-up: kept, or waited for, by pid ${stranger.pid} ` +
      `(role ${stranger.role}, application 'stranger')`,
    advice: `each enqueue notifies, and workers poll; end it: select pg_terminate_backend(${stranger.pid})`,
  });
});
