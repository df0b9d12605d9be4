// Goal: wherever a process dies, its tasks end, and nothing is recorded twice.
//
// One process dies at the failpoint, and another goes on with what it left. That it dies is
// what proves that the failpoint was hit: nothing else ends it.

import type { Client } from "pg";
import { describe, expect } from "vitest";
import { FAILPOINTS, type Failpoint } from "../../src/system/failpoint.ts";
import { concurrentTest as test, waitFor } from "../support/connections.ts";
import { partitionOf, partitionsOf } from "../support/jobs.ts";
import { startCli, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readTask, waitForStatus } from "../support/tasks.ts";

const TASKS = 5;

/** Events that end an attempt. */
const ENDS = "{finish,fail,retry,snooze,release,ask,cancelled,rescue}";

/** What a process does when it dies; every failpoint has one. */
const DYING: Record<Failpoint, "working" | "rescuing" | "stopping" | "at a job" | "delivering"> = {
  "register.answered": "working",
  "lock.answered": "working",
  "heartbeat.answered": "working",
  "claim.before": "working",
  "claim.answered": "working",
  "run.before": "working",
  "run.ended": "working",
  "settle.before": "working",
  "settle.answered": "working",
  "rescue.before": "rescuing",
  "rescue.answered": "rescuing",
  "shutdown.started": "stopping",
  "shutdown.released": "stopping",
  "shutdown.settled": "stopping",
  "shutdown.answered": "stopping",
  "job.before": "at a job",
  "job.ended": "at a job",
  // See test/process/effects.test.ts.
  "effect.claimed": "delivering",
  "effect.sent": "delivering",
};

const ofWorkers = FAILPOINTS.filter((name) => !["at a job", "delivering"].includes(DYING[name]));
const ofJobs = FAILPOINTS.filter((name) => DYING[name] === "at a job");

describe.concurrent.each(ofWorkers)("at %s", (failpoint) => {
  test("a worker dies and another ends its tasks, each recorded once", async ({ url, client }) => {
    if (DYING[failpoint] === "rescuing") {
      await leaveTaskOfDeadWorker(client);
    }
    const taskIds = await enqueueSome(client, DYING[failpoint] === "stopping" ? 300 : 0);
    await using dying = startWorkerProcess(url, { env: { TRIAGED_FAILPOINT: failpoint } });
    if (DYING[failpoint] === "stopping") {
      await waitForStatus(client, taskIds[0] ?? "", "started");
      dying.signal("SIGTERM");
    }

    // Null: by a signal, and nobody sent one that ends a worker so.
    expect(await dying.exited).toBeNull();

    await using _next = startWorkerProcess(url);
    for (const taskId of taskIds) {
      await waitForStatus(client, taskId, "finished");
    }
    await waitFor(async () => (await countLive(client)) === 0);
    expect(await recordedTwice(client)).toEqual([]);
    expect(await claimsAndCounts(client)).toEqual([]);
  });
});

test("a worker that claims has its session lock, so that its death is seen at once", async ({
  url,
  client,
}) => {
  await enqueue(client, { task_type: "noop" });
  await using dying = startWorkerProcess(url, { env: { TRIAGED_FAILPOINT: "claim.answered" } });

  expect(await dying.exited).toBeNull();

  expect(await query(client, "select has_session_lock from triaged.workers")).toEqual([
    { has_session_lock: true },
  ]);
});

test("a task that was settled before its worker died does not run again", async ({
  url,
  client,
}) => {
  const taskId = await enqueue(client, { task_type: "noop" });
  await using dying = startWorkerProcess(url, { env: { TRIAGED_FAILPOINT: "settle.answered" } });

  expect(await dying.exited).toBeNull();

  expect(await readTask(client, taskId)).toMatchObject({ status: "finished", attempt_count: 1 });
});

describe.concurrent.each(ofJobs)("at %s", (failpoint) => {
  test("a process of jobs dies and another does what it left", async ({ url, client }) => {
    const missing = partitionOf("task_history", 5);
    await client.query(`drop table if exists triaged.${missing}`);
    const env = { DATABASE_URL: url };
    const dying = startCli(["jobs"], { env: { ...env, TRIAGED_FAILPOINT: failpoint } });

    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });

    const next = startCli(["jobs"], { env });
    await waitFor(async () => (await partitionsOf(client, "task_history")).includes(missing));
    await waitFor(
      async () => (await query(client, "select from graphile_worker.jobs")).length === 0,
    );
    next.signal("SIGTERM");
    expect(await next.ended).toMatchObject({ code: 0 });
  });
});

async function enqueueSome(client: Client, ms: number): Promise<string[]> {
  const taskIds = [];
  for (let i = 0; i < TASKS; i += 1) {
    taskIds.push(await enqueue(client, { task_type: "wait", payload: { ms } }));
  }
  return taskIds;
}

async function leaveTaskOfDeadWorker(client: Client): Promise<void> {
  await enqueue(client, { task_type: "noop" });
  await client.query(
    "select triaged.claim_tasks(triaged.register_worker('dead', '{noop}', concurrency => 1))",
  );
  await client.query("update triaged.workers set heartbeat_at = now() - interval '1 hour'");
}

async function countLive(client: Client): Promise<number> {
  return (await query(client, "select from triaged.live_tasks")).length;
}

/** Attempts of which history tells two ends. */
async function recordedTwice(client: Client): Promise<unknown[]> {
  return await query(
    client,
    `select task_id, attempt_count, array_agg(event) as ends from triaged.task_history
     where event = any ($1) group by task_id, attempt_count having count(*) > 1`,
    [ENDS],
  );
}

/** Tasks that count other attempts than history has claims. */
async function claimsAndCounts(client: Client): Promise<unknown[]> {
  return await query(
    client,
    `select task_id, attempt_count, claims from triaged.tasks
     join (
       select task_id, count(*)::integer as claims from triaged.task_history
       where event = 'claim' group by task_id
     ) as claimed using (task_id)
     where attempt_count <> claims`,
  );
}
