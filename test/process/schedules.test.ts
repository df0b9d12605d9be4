// Goal: what is due by a crontab is enqueued once, over processes and crashes.
// Method: a schedule that is known since an hour ago is made up for at the start.

import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { hideTrace, type RunningJobs, startedJobs, startJobs } from "../support/jobs.ts";
import { query } from "../support/tasks.ts";

const CRONTAB = "* * * * * noop ?id=each-minute&fill=10m&queue=q {n: 1}";
const CUT = "jobs lost a connection";
const OF_JOBS = "datname = current_database() and application_name = 'triaged jobs'";

type Scheduled = { due_at: string; backfilled: boolean; payload: unknown; actor: string };

/** The tasks of the schedule, by the time at which they were due. */
async function scheduled(db: Client): Promise<Scheduled[]> {
  return await query<Scheduled>(
    db,
    `select metadata ->> 'due_at' as due_at, (metadata -> 'backfilled')::boolean as backfilled,
       payload, actor
     from triaged.tasks join triaged.task_history using (task_id)
     where metadata ->> 'schedule' = 'each-minute' and event = 'enqueue'
     order by due_at, task_id`,
  );
}

async function countJobs(db: Client): Promise<number> {
  return (await query(db, "select from graphile_worker.jobs")).length;
}

/** Have the schedule be known, and its last run so many minutes ago. */
async function missMinutes(db: Client, url: string, minutes: number): Promise<void> {
  const before = await startedJobs(url, { crontab: CRONTAB });
  before.stop();
  await before.ended;
  await db.query(
    `update graphile_worker._private_known_crontabs
     set known_since = now() - make_interval(mins => $1),
       last_execution = date_trunc('minute', now()) - make_interval(mins => $1)
     where identifier = 'schedule each-minute'`,
    [minutes],
  );
}

test("missed runs are caught up, once over several processes", async ({ url, connect }) => {
  const client = await connect();
  await missMinutes(client, url, 5);
  const processes: RunningJobs[] = [1, 2, 3].map(() => startJobs(url, { crontab: CRONTAB }));
  await waitFor(() => processes.every((one) => one.messages().includes("jobs started")));
  await waitFor(async () => (await countJobs(client)) === 0, { deadlineMs: 20_000 });
  for (const one of processes) {
    one.stop();
    await one.ended;
  }

  const tasks = await scheduled(client);
  const times = tasks.map(({ due_at }) => due_at);
  expect(new Set(times).size).toBe(times.length);
  expect(times.length).toBeGreaterThanOrEqual(4);
  expect(tasks[0]).toMatchObject({
    backfilled: true,
    payload: { n: 1 },
    actor: "schedule each-minute",
  });
});

test("a new schedule has no missed runs to catch up", async ({ url, connect }) => {
  const client = await connect();
  await using _jobs = await startedJobs(url, { crontab: CRONTAB });
  await waitFor(async () => (await countJobs(client)) === 0);

  expect((await scheduled(client)).filter(({ backfilled }) => backfilled)).toEqual([]);
  expect(
    await query(
      client,
      "select from graphile_worker._private_known_crontabs where identifier = 'schedule each-minute'",
    ),
  ).toHaveLength(1);
});

test("a job that ended without anybody noticing runs again, and enqueues nothing twice", async ({
  url,
  connect,
}) => {
  hideTrace();
  const client = await connect();
  const blocker = await connect();
  const completionBlocker = await connect();
  await using jobs = await startedJobs(url, { crontab: CRONTAB });
  await waitFor(async () => (await countJobs(client)) === 0);
  const runs = () =>
    jobs.log().filter((line) => line["job"] === "enqueue-scheduled" && line.msg === "job finished");
  const isBlocked = async () =>
    (
      await query(
        client,
        `select from pg_stat_activity where ${OF_JOBS} and wait_event_type = 'Lock'`,
      )
    ).length > 0;
  await blocker.query("begin");
  await blocker.query("lock table triaged.schedule_runs");
  await client.query("select graphile_worker.add_job('enqueue-scheduled', $1)", [
    JSON.stringify({
      schedule: "each-minute",
      task: { task_type: "noop" },
      _cron: { ts: "2026-01-01T00:00:00Z" },
    }),
  ]);
  await waitFor(isBlocked);
  await completionBlocker.query("begin");
  await completionBlocker.query("lock table graphile_worker._private_jobs in exclusive mode");
  await blocker.query("commit");
  await waitFor(() => runs().some((line) => line["dueAt"] === "2026-01-01T00:00:00Z"));
  await waitFor(isBlocked);

  await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${OF_JOBS}`);
  await waitFor(() => jobs.said(CUT));
  await completionBlocker.query("commit");

  const mine = () => runs().filter((line) => line["dueAt"] === "2026-01-01T00:00:00Z");
  await waitFor(() => mine().length === 2);
  expect(mine().map((line) => line["outcome"])).toEqual(["created", "duplicate"]);
  const due = (await scheduled(client)).filter(({ due_at }) => due_at === "2026-01-01T00:00:00Z");
  expect(due).toHaveLength(1);
});
