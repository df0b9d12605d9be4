// Goal: one change leads to one issue, whichever process is killed at whichever moment, and
// however often the change is told.
// Method: the handlers that come with triaged, as real processes, killed from outside: by the
// stub server in the midst of a request, or when the database shows what they are at. Deaths
// at points inside of a process are in effects.test.ts.

import path from "node:path";
import { Client } from "pg";
import { expect } from "vitest";
import { notificationResult } from "../../src/triage/notification/change-notification.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../support/changes.ts";
import { test as base, waitFor } from "../support/connections.ts";
import { addEffect, makeDue, readEffects, sweep, waitUntilDelivered } from "../support/effects.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { startStub } from "../support/http-servers.ts";
import { writeTree } from "../support/packages.ts";
import { type Running, startJobsProcess, startWorkerProcess } from "../support/processes.ts";
import { childrenOf, notify, relate } from "../support/relationships.ts";
import { enqueue, query, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
/** The handlers that come with triaged. */
const TASKS = path.join(ROOT, "tasks");

const UPGRADE = {
  source_repo: "sindresorhus/p-retry",
  commit_sha: "0a1b2c3",
  commit_message: "7.1.1",
  branch: "main",
  package: { name: "p-retry", from: "6.2.1", to: "7.1.1" },
};

const PATIENT = { deadlineMs: 20_000 };

/** A test with a consumer of the service on disk that LLM_EVENT changes. */
const test = base.extend<{ consumer: string }>({
  consumer: async ({}, use) => {
    const folder = await makeTemporaryFolder();
    await writeTree(folder.path, {}, LLM_CONSUMER);
    await use(folder.path);
    await folder.remove();
  },
});

async function relateConsumer(client: Client, consumer: string): Promise<void> {
  await relate(client, LLM_EVENT.source_repo, "owner/consumer", {
    config: { path: consumer, interface_files: ["utils/llm_client.py"] },
  });
}

async function onlyChildOf(client: Client, parent: string): Promise<string> {
  await waitForStatus(client, parent, "finished");
  const children = await childrenOf(client, parent);
  expect(children).toHaveLength(1);
  return String(children[0]?.["task_id"]);
}

test("a worker that is killed in the midst of an analysis leads to one issue", async ({
  url,
  client,
}) => {
  await using stub = await startStub();
  await using _jobs = startJobsProcess(url, stub);
  await relate(client, UPGRADE.source_repo, "example/p-retry-consumer", {
    config: { path: path.join(ROOT, "examples", "p-retry-consumer") },
  });
  await using dying = startWorkerProcess(url, { tasks: TASKS });
  const { task_id: parent } = await notify(client, UPGRADE);
  const taskId = await onlyChildOf(client, parent);
  await waitFor(async () => ((await readTask(client, taskId)).progress_pct ?? 0) > 0, PATIENT);

  dying.signal("SIGKILL");

  await using _next = startWorkerProcess(url, { tasks: TASKS });
  expect(await waitForStatus(client, taskId, "finished")).toMatchObject({
    attempt_count: 2,
    failure_count: 0,
    result: { requires_action: true, affected_files: ["src/client.ts"] },
  });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "rescue queued",
    "claim started",
    "finish finished",
  ]);
  await waitUntilIssue(client);
  expect(stub.issues).toHaveLength(1);
});

test.for([
  ["has its connection ended with it", "rollback"],
  ["is outlived by its statement", "commit"],
] as const)(
  "a worker that is killed while its settle commits, and %s, leads to one issue",
  async ([, end], { url, client, consumer }) => {
    await using stub = await startStub();
    await relateConsumer(client, consumer);
    await using dying = startWorkerProcess(url, { tasks: TASKS });
    await using held = await holdEffects(url);
    const { task_id: parent } = await notify(client, LLM_EVENT);
    const settling = await waitFor(async () => (await blockedIn(client))[0], PATIENT);

    dying.signal("SIGKILL");
    await dying.exited;
    if (end === "rollback") {
      await client.query("select pg_terminate_backend($1)", [settling]);
    }
    // It waits in its rescue for the statement of the dead one, or in a settle of its own.
    await using _next = startWorkerProcess(url, { tasks: TASKS });
    await waitFor(async () => (await blockedIn(client)).some((pid) => pid !== settling), PATIENT);
    await held.release();

    const taskId = await onlyChildOf(client, parent);
    await waitForStatus(client, taskId, "finished");
    const events = (await readStory(client, taskId)).map((line) => line.split(" ")[0]);
    expect(events).toEqual(
      end === "commit"
        ? ["enqueue", "claim", "finish"]
        : ["enqueue", "claim", "rescue", "claim", "finish"],
    );
    await using _jobs = startJobsProcess(url, stub);
    await waitUntilIssue(client);
    expect(stub.issues).toHaveLength(1);
  },
);

test.for([
  ["while it looks for the issue", "GET", 0],
  ["when the issue is made and nobody told it so", "POST", 1],
] as const)(
  "a process of jobs that is killed %s leads to one issue",
  async ([, method, made], { url, client }) => {
    const processes: Running[] = [];
    await using stub = await startStub((received, _response, self) => {
      if (received.method !== method) return false;
      if (method === "POST") self.createIssue(received);
      processes.pop()?.signal("SIGKILL");
      return true;
    });
    await addEffect(client);
    const dying = startJobsProcess(url, stub);
    processes.push(dying);
    await dying.started();
    await sweep(client);
    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
    expect(stub.issues).toHaveLength(made);
    expect(await readEffects(client)).toMatchObject([{ status: "pending", attempts: 1 }]);

    // What the lease would do in a minute.
    await makeDue(client);
    await using server = await startStub();
    server.issues.push(...stub.issues);
    await using next = startJobsProcess(url, server);
    await next.started();
    await sweep(client);
    await waitUntilDelivered(client);

    expect(server.issues).toHaveLength(1);
    expect(server.comments).toEqual([]);
  },
);

test("a change that is told in every way leads to one issue", async ({ url, client, consumer }) => {
  await using stub = await startStub();
  await using _jobs = startJobsProcess(url, stub);
  await relateConsumer(client, consumer);
  const first = await notify(client, LLM_EVENT);
  expect(await notify(client, LLM_EVENT)).toEqual({
    task_id: first.task_id,
    outcome: "duplicate",
  });
  // As producers do that know nothing of notify_change, or nothing of notifications.
  const bare = await enqueue(client, { task_type: "change_notification", payload: LLM_EVENT });
  const byHand = await enqueue(client, {
    task_type: "consumer_triage",
    payload: {
      source_repo: LLM_EVENT.source_repo,
      target_repo: "owner/consumer",
      change_event: LLM_EVENT,
      relationship_config: { path: consumer, interface_files: ["utils/llm_client.py"] },
    },
  });
  await using _worker = startWorkerProcess(url, { tasks: TASKS });

  for (const parent of [first.task_id, bare]) {
    const { result } = await waitForStatus(client, parent, "finished");
    const { consumers_scheduled: scheduled } = notificationResult.parse(result);
    expect(scheduled).toHaveLength(1);
    await waitForStatus(client, String(scheduled[0]?.task_id), "finished");
  }
  await waitForStatus(client, byHand, "finished");
  await waitUntilIssue(client);

  expect(stub.issues).toMatchObject([
    { title: "⚠️ Dependency Update Required: owner/llm-container" },
  ]);
});

/** Wait until the one issue that was asked for is delivered; other effects are no issues. */
async function waitUntilIssue(client: Client): Promise<void> {
  await waitFor(async () => {
    await sweep(client);
    const effects = await readEffects(client);
    const issues = effects.filter(({ kind }) => kind === "github_issue");
    expect(issues.length).toBeLessThan(2);
    return issues[0]?.["status"] === "delivered";
  }, PATIENT);
}

type Held = AsyncDisposable & { readonly release: () => Promise<void> };

/** Have every statement wait that writes an effect, and hold what it has written before. */
async function holdEffects(url: string): Promise<Held> {
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query("begin");
  await holder.query("lock table triaged.effects in exclusive mode");
  const release = async () => void (await holder.query("rollback"));
  return { release, [Symbol.asyncDispose]: () => holder.end() };
}

/** Sessions that wait for a lock, the first of them first. */
async function blockedIn(client: Client): Promise<number[]> {
  const rows = await query<{ pid: number }>(
    client,
    `select pid from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' order by query_start`,
  );
  return rows.map(({ pid }) => pid);
}
