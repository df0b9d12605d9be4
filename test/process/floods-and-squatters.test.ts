// Goal: a stranger who may do nothing but connect cannot make a worker wait: not by a flood of
// notifications, whatever they say, and not by a lock that he keeps.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { unlockDeadRunners } from "../../src/database/graphile-tables.ts";
import { test, waitFor } from "../support/connections.ts";
import { openStranger, type Stranger, squat } from "../support/hostile-role.ts";
import { startedJobs } from "../support/jobs.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, waitForStatus } from "../support/tasks.ts";

const NOTIFICATIONS = 20_000;
/** Of a flood of seconds at fifty a second; one for each would be all of the above. */
const LOOKS_MAX = 2_000;

/** Each in a transaction of its own: of one, the server sends what is equal once. */
async function flood({ client }: Stranger, said: string): Promise<void> {
  await client.query(`do $$
    begin
      for place in 1..${NOTIFICATIONS} loop
        perform pg_notify('triaged.wake_up', ${said});
        commit;
      end loop;
    end $$`);
}

/** How often each function was called that a worker looks by. */
async function looks(client: Client): Promise<number> {
  const [row] = await query<{ calls: number }>(
    client,
    `select coalesce(sum(calls), 0)::integer as calls from pg_stat_user_functions
     where schemaname = 'triaged' and funcname in ('cancel_requests', 'claim_tasks')`,
  );
  return row?.calls ?? 0;
}

test.for([
  ["cancel", "'cancel'"],
  ["nothing", "''"],
  ["lanes of the worker", `'["default", "noop", 2]'`],
  ["lanes without end", `'["default", "' || place || '", 2]'`],
  ["garbage", "repeat('[', 7000) || place"],
] as const)(
  "a flood of notifications that say %s leads to few looks, and a task beside it ends",
  async ([, said], { url, client }) => {
    await client.query(
      "alter database " + new URL(url).pathname.slice(1) + " set track_functions = 'all'",
    );
    await using stranger = await openStranger(url);
    await using worker = startWorkerProcess(url);
    await waitForStatus(client, await enqueue(client), "finished");
    const before = await looks(client);

    const flooding = flood(stranger, said);
    const taskId = await enqueue(client);
    await waitForStatus(client, taskId, "finished");
    await flooding;
    await waitForStatus(client, await enqueue(client), "finished");

    worker.signal("SIGTERM");
    expect(await worker.exited).toBe(0);
    expect(await looks(client)).toBeLessThan(before + LOOKS_MAX);
    expect(worker.log()).toContainEqual(
      expect.objectContaining({
        msg: "a flood of notifications: nothing was found after them",
        notifications: expect.any(Number),
      }),
    );
  },
);

test("a task is cancelled beside a flood of cancels", async ({ url, client }) => {
  await using stranger = await openStranger(url);
  await using _worker = startWorkerProcess(url);
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 60_000 } });
  await waitForStatus(client, taskId, "started");

  const flooding = flood(stranger, "'cancel'");
  await query(client, "select triaged.cancel_task($1)", [taskId]);

  await waitForStatus(client, taskId, "cancelled");
  await flooding;
});

test("the tasks of a killed worker run again long before its lease, whoever has its lock", async ({
  url,
  client,
}) => {
  await using stranger = await openStranger(url);
  await using victim = startWorkerProcess(url, { env: { CONCURRENCY: "1" } });
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 20_000 } });
  await waitForStatus(client, taskId, "started");
  await waitFor(
    async () =>
      (await query(client, "select from triaged.workers where has_session_lock")).length === 1,
  );
  const [{ worker_id } = {}] = await query<{ worker_id: string }>(
    client,
    "select worker_id from triaged.workers",
  );
  const waits = squat(stranger, ["worker", worker_id ?? ""]);
  await using other = startWorkerProcess(url);
  await waitForStatus(client, await enqueue(client), "finished");

  victim.signal("SIGKILL");
  await waits;
  await waitFor(
    async () =>
      (await query(client, "select from triaged.workers where end_reason = 'process died'"))
        .length === 1,
  );

  await waitFor(() =>
    other
      .log()
      .some(
        (line) =>
          line["lock"] === `worker ${worker_id}` &&
          line["pid"] === stranger.pid &&
          line["role"] === stranger.role,
      ),
  );
});

test("a stranger who says that the jobs were migrated does not stop them", async ({
  url,
  client,
}) => {
  await using stranger = await openStranger(url);
  await using jobs = await startedJobs(url);

  await stranger.client.query(
    `select pg_notify('worker:migrate', '{"breaking": true, "migrationNumber": 999}')`,
  );
  await client.query("select graphile_worker.add_job('expire-rows', '{}')");

  await waitFor(() => jobs.log().some((line) => line["job"] === "expire-rows"));
  expect(process.exitCode).toBeUndefined();
  expect(jobs.messages()).toEqual(["jobs started"]);
});

test("a runner of jobs that died is found though a stranger has its lock", async ({
  url,
  client,
}) => {
  await using stranger = await openStranger(url);
  await using jobs = await startedJobs(url);
  await client.query("select graphile_worker.add_job('nobody', '{}')");
  await client.query(
    "update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now()",
  );
  await squat(stranger, ["runner dead", 0]);

  expect(await unlockDeadRunners(inSchema(client))).toBe(1);
  jobs.stop();
});
