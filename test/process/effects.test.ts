// Goal: what a handler asks for is in the outbox when, and only when, its attempt counts, and
// leads to one issue, whichever process dies at whichever moment.
// Method: real processes, killed at their failpoints, and a server on loopback that counts.

import type { Client } from "pg";
import { describe, expect } from "vitest";
import { found, concurrentTest as test, waitFor } from "../support/connections.ts";
import {
  addEffect,
  makeDue,
  NOTICE,
  readEffects,
  sweep,
  waitUntilDelivered,
} from "../support/effects.ts";
import { startStub } from "../support/http-servers.ts";
import { startCli, startJobsProcess, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, waitForStatus } from "../support/tasks.ts";

const ISSUE = { kind: "github_issue", key: "one issue", payload: NOTICE };

async function askFor(client: Client, given: Record<string, unknown>): Promise<string> {
  return await enqueue(client, { task_type: "effects", payload: { effects: [ISSUE], ...given } });
}

test("a task that finishes leads to its issue within moments", async ({ url, client }) => {
  await using stub = await startStub();
  await using jobs = startJobsProcess(url, stub);
  await jobs.started();
  await using _worker = startWorkerProcess(url);
  const taskId = await askFor(client, {});

  await waitUntilDelivered(client);

  expect(await readEffects(client)).toMatchObject([
    { task_id: taskId, attempts: 1, external_ref: `${stub.url}/issues/1` },
  ]);
  expect(stub.issues).toHaveLength(1);
  // The line is written after the commit that the wait sees.
  await waitFor(() => jobs.output.stderr.includes("effect settled"));
  expect(jobs.output.stderr).not.toContain("gh-s3cret");
});

test("an attempt that throws asks for nothing, one that asks a person does", async ({
  url,
  client,
}) => {
  await using _worker = startWorkerProcess(url);
  const failed = await askFor(client, { end: "throw" });
  const asking = await enqueue(client, {
    task_type: "effects",
    payload: { effects: [{ ...ISSUE, key: "a question" }], end: "ask" },
  });

  await waitForStatus(client, failed, "failed");
  await waitForStatus(client, asking, "needs_decision");

  expect(await readEffects(client)).toMatchObject([{ task_id: asking }]);
});

test.for([
  ["an unknown kind", [{ kind: "fax", key: "a" }], "expected kind to be one of"],
  ["a key that is too long", [{ kind: "webhook", key: "k".repeat(201) }], "1 to 200 characters"],
  [
    "too many",
    Array.from({ length: 21 }, (_, at) => ({ kind: "webhook", key: `${at}` })),
    "at most 20 effects",
  ],
  [
    "too much together",
    ["a", "b", "c"].map((key) => ({
      kind: "webhook",
      key,
      payload: { text: "x".repeat(500_000) },
    })),
    "more than the limit",
  ],
] as const)(
  "%s fails the task at once, in words",
  async ([, effects, sentence], { url, client }) => {
    await client.query("set triaged.max_payload_bytes = 4194304");
    await using _worker = startWorkerProcess(url);
    const taskId = await enqueue(client, { task_type: "effects", payload: { effects } });

    const task = await waitForStatus(client, taskId, "failed");

    expect(task.error).toContain("PermanentError");
    expect(task.error).toContain(sentence);
    expect(await readEffects(client)).toEqual([]);
  },
);

test("a worker that lost its task writes no effect of it", async ({ url, client }) => {
  await using _worker = startWorkerProcess(url);
  const taskId = await askFor(client, { end: "wait", ms: 300 });
  await waitForStatus(client, taskId, "started");

  await client.query(
    `update triaged.tasks set status = 'queued', run_at = now() + interval '1 hour'
     where task_id = $1`,
    [taskId],
  );

  // Tasks of one worker: the second one is settled after the first.
  const later = await askFor(client, { effects: [], end: "wait", ms: 1_000 });
  await waitForStatus(client, later, "finished");
  expect(await readEffects(client)).toEqual([]);
});

describe.concurrent.each(["run.ended", "settle.before", "settle.answered"])(
  "a worker that dies at %s",
  (failpoint) => {
    test("leads to one issue", async ({ url, client }) => {
      await using stub = await startStub();
      await using jobs = startJobsProcess(url, stub);
      const taskId = await askFor(client, {});
      await using dying = startWorkerProcess(url, { env: { TRIAGED_FAILPOINT: failpoint } });
      expect(await dying.exited).toBeNull();

      await using _next = startWorkerProcess(url);
      await waitForStatus(client, taskId, "finished");
      // No jobs schema yet when the task was settled is one of the cases.
      await waitFor(async () => (await readEffects(client)).length === 1);
      await jobs.started();
      await sweep(client);
      await waitUntilDelivered(client);

      expect(stub.issues).toHaveLength(1);
    });
  },
);

describe.concurrent.each(["effect.claimed", "effect.sent"])(
  "a process of jobs that dies at %s",
  (failpoint) => {
    test("leads to one issue, which another process finds or makes", async ({ url, client }) => {
      await using stub = await startStub();
      await addEffect(client);
      await using dying = startJobsProcess(url, stub, { TRIAGED_FAILPOINT: failpoint });
      await dying.started();
      await sweep(client);
      expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
      expect(stub.issues).toHaveLength(failpoint === "effect.sent" ? 1 : 0);

      // What the lease would do in a minute.
      await makeDue(client);
      await using next = startJobsProcess(url, stub);
      await next.started();
      await sweep(client);
      await waitUntilDelivered(client);

      expect(stub.issues).toHaveLength(1);
      expect(stub.comments).toEqual([]);
      expect(await readEffects(client)).toMatchObject([
        { attempts: 2, external_ref: `${stub.url}/issues/1` },
      ]);
    });
  },
);

test("a change that is notified twice leads to one issue", async ({ url, client }) => {
  await using stub = await startStub();
  await using jobs = startJobsProcess(url, stub);
  await jobs.started();
  await using _worker = startWorkerProcess(url);

  for (const taskId of [await askFor(client, {}), await askFor(client, {})]) {
    await waitForStatus(client, taskId, "finished");
  }
  await waitUntilDelivered(client);

  expect(await readEffects(client)).toHaveLength(1);
  expect(stub.issues).toHaveLength(1);
});

test("two processes of jobs deliver an effect once", async ({ url, client }) => {
  await using stub = await startStub();
  await using one = startJobsProcess(url, stub);
  await using other = startJobsProcess(url, stub);
  await Promise.all([one.started(), other.started()]);
  const keys = Array.from({ length: 20 }, (_, at) => `effect ${at}`);
  for (const key of keys) {
    await addEffect(client, { key });
  }

  await sweep(client);
  await waitUntilDelivered(client);

  const markers = stub.issues.map(
    ({ body }) => found(/triage-key: (.*) -->/.exec(body)).at(1) ?? "",
  );
  expect(markers.toSorted()).toEqual(keys.toSorted());
});

test("the jobs of a process that died are released by one that lives", async ({ url, client }) => {
  await using stub = await startStub();
  await using living = startJobsProcess(url, stub);
  await living.started();
  await client.query("select graphile_worker.add_job('nobody-knows-this')");
  await client.query(
    "update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now()",
  );

  await client.query("select graphile_worker.add_job('unlock-dead-runners')");

  await waitFor(
    async () =>
      (await query(client, "select from graphile_worker.jobs where locked_by = 'dead'")).length ===
      0,
  );
});

test("without a process that stays, --once delivers", async ({ url, client }) => {
  await using stub = await startStub();
  await addEffect(client);

  const { ended } = startCli(["jobs", "--once"], {
    env: { DATABASE_URL: url, GITHUB_TOKEN: "t", GITHUB_API_URL: stub.url },
  });

  expect(await ended).toMatchObject({ code: 0 });
  expect(await readEffects(client)).toMatchObject([{ status: "delivered" }]);
});

test("a week's lines become one issue on Monday", async ({ url, client }) => {
  await using stub = await startStub();
  await using jobs = startJobsProcess(url, stub);
  await jobs.started();
  for (const key of ["a", "b"]) {
    await addEffect(client, { kind: "digest", key });
  }

  await client.query("select graphile_worker.add_job('gather-digest')");
  await waitUntilDelivered(client);

  expect(stub.issues).toMatchObject([{ title: "📦 Weekly dependency digest" }]);
  expect(found(stub.issues[0]).body.match(/POST `\/charge` was removed/g)).toHaveLength(2);
});
