// Goal: connections that a server, a pooler or a router ends cost no minute of a schedule, no
// worker its tasks, and nobody a line in the log.
// Method: the clock of the process is put a moment before the end of a minute.

import { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { beforeMinuteEnds, hideTrace, startedJobs, startJobs } from "../support/jobs.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readStory, waitForStatus } from "../support/tasks.ts";

const CRONTAB = "* * * * * noop ?id=each-minute";
const QUIET = new Set(["jobs started", "job finished", "job failed and will be tried again"]);

/** End every connection of a role of ours, in the pool or not. */
async function terminate(db: Client, role: string): Promise<void> {
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [`triaged ${role}`],
  );
}

async function dueTimes(db: Client): Promise<string[]> {
  const rows = await query<{ due: string }>(
    db,
    `select metadata ->> 'due_at' as due from triaged.tasks
     where metadata ->> 'schedule' = 'each-minute' order by due`,
  );
  return rows.map(({ due }) => due);
}

type Means = { readonly db: Client; readonly proxy: CuttingProxy; readonly minute: Date };

const TROUBLES: readonly (readonly [how: string, make: (means: Means) => Promise<unknown>])[] = [
  [
    "ended by the server at the turn of the minute",
    ({ db, minute }) =>
      waitFor(async () => {
        const beforeMs = minute.getTime() - Date.now();
        if (beforeMs < 200) await terminate(db, "jobs");
        return beforeMs < -400;
      }),
  ],
  ["dropped without a word before it", async ({ proxy }) => await Promise.resolve(proxy.silence())],
];

test.for(TROUBLES)(
  "a minute is enqueued once by connections %s",
  async ([, make], { url, connect }) => {
    hideTrace();
    const db = await connect();
    await using proxy = await startCuttingProxy(url, "no answer has this");
    const { minute } = beforeMinuteEnds(3_000);
    await using jobs = await startedJobs(proxy.url, { crontab: CRONTAB });

    await make({ db, proxy, minute });

    await waitFor(async () => (await dueTimes(db)).length > 0, { deadlineMs: 30_000 });
    expect(await dueTimes(db)).toEqual([minute.toISOString()]);
    expect(jobs.messages().filter((message) => !QUIET.has(message))).toEqual([]);
  },
);

test("a minute whose statement alone is cut is enqueued", async ({ url, connect }) => {
  const db = await connect();
  const blocker = await connect();
  const { minute, again } = beforeMinuteEnds(30_000);
  const before = await startedJobs(url, { crontab: CRONTAB });
  before.stop();
  await before.ended;
  await blocker.query("begin");
  await blocker.query("lock table graphile_worker._private_known_crontabs in exclusive mode");
  again(1_000);
  await using jobs = startJobs(url, { crontab: CRONTAB });

  await waitFor(async () => {
    const { rowCount } = await db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and query like '%specs as (%'
         and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
  await blocker.query("commit");

  await waitFor(async () => (await dueTimes(db)).length > 0);
  expect(await dueTimes(db)).toEqual([minute.toISOString()]);
  expect(jobs.messages().filter((message) => !QUIET.has(message))).toEqual([]);
});

/** Resolves when the server has ended a session that was idle since this began. */
async function untilIdleSessionsAreCut(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  const cut = new Promise<Error>((resolve) => {
    client.on("error", resolve);
  });
  await client.connect();
  expect(await cut).toMatchObject({ code: "57P05" });
}

/**
 * The sessions that are kept, by their processes: both of the worker's own, and of the jobs' the
 * one that holds the lock of the runner and the one that listens. The latter has no mark beside
 * its last statement, which is LISTEN, or the question whether it is there.
 */
async function keptSessions(db: Client): Promise<unknown[]> {
  return await query(
    db,
    `select pid from pg_stat_activity as session
     where datname = current_database()
       and (
         application_name = 'triaged worker session'
         or (application_name = 'triaged jobs' and query ~ '^(LISTEN|select$)')
         or (application_name = 'triaged jobs' and exists (
           select from pg_locks where pid = session.pid and locktype = 'advisory' and granted
         ))
       )
     order by pid`,
  );
}

test("sessions that listen or hold locks are not idle", async ({ url, connect }) => {
  const admin = await connect();
  const { rows } = await admin.query("select current_database() as name");
  await admin.query(`alter database ${rows[0].name} set idle_session_timeout = '700ms'`);
  await using _jobs = await startedJobs(url);
  await using worker = startWorkerProcess(url);
  const taskId = await enqueue(admin, { task_type: "wait", payload: { ms: 2_500 } });
  await waitForStatus(admin, taskId, "started");
  // The worker may claim before its listener is connected.
  const before = await waitFor(
    async () => {
      const sessions = await keptSessions(admin);
      return sessions.length === 4 ? sessions : null;
    },
    { deadlineMs: 20_000 },
  );

  await untilIdleSessionsAreCut(url);
  await untilIdleSessionsAreCut(url);

  expect(await keptSessions(admin)).toEqual(before);
  await waitForStatus(admin, taskId, "finished");
  expect(await readStory(admin, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "finish finished",
  ]);
  expect(worker.log().filter((line) => Number(line["level"]) > 30)).toEqual([]);
});
