// Goal: a change reaches each dependent once, whatever happens to the task that tells of it.

import path from "node:path";
import { expect } from "vitest";
import { concurrentTest as test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { changeEvent, childrenOf, notify, relate } from "../support/relationships.ts";
import { call, enqueue, query, waitForStatus } from "../support/tasks.ts";

/** The handlers that come with triaged. */
const TASKS = path.join(import.meta.dirname, "..", "..", "tasks");

const SCHEDULED = { consumers_scheduled: [], derivatives_scheduled: [], parents_scheduled: [] };

test("a change becomes a task for each dependent, with its lineage", async ({ url, client }) => {
  const config = { interface_files: ["a.ts"], bidirectional: true };
  await relate(client, "owner/provider", "owner/consumer", { config });
  await relate(client, "owner/provider", "owner/fork", { type: "template_fork" });
  await relate(client, "owner/template", "owner/provider", { type: "template_fork", config });
  const [notified] = await call<{ task_id: string }>(client, "notify_change", {
    event: changeEvent({ extra: 1 }),
    queue: "triage",
  });
  const parent = notified?.task_id ?? "";
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args: ["--queue", "triage"] });

  const { result } = await waitForStatus(client, parent, "finished");

  const children = await childrenOf(client, parent);
  expect(children).toMatchObject([
    { task_type: "consumer_triage", target: "owner/consumer", queue: "triage" },
    { task_type: "template_triage", target: "owner/fork", queue: "triage" },
    { task_type: "template_triage", target: "owner/template", queue: "triage" },
  ]);
  expect(children.map((child) => child["root_task_id"])).toEqual([parent, parent, parent]);
  expect(children[0]?.["payload"]).toEqual({
    source_repo: "owner/provider",
    target_repo: "owner/consumer",
    change_event: changeEvent({ extra: 1 }),
    relationship_config: { relationship_type: "api_consumer", ...config },
  });
  const [consumer, fork, template] = children.map(({ target, task_id }) => [
    { repo: target, task_id },
  ]);
  expect(result).toEqual({
    status: "accepted",
    source_repo: "owner/provider",
    consumers_scheduled: consumer,
    derivatives_scheduled: fork,
    parents_scheduled: template,
    total_dependents: 3,
  });
});

test("an event says what was published, and names no folder of the worker", async ({
  url,
  client,
}) => {
  const upgrade = { name: "p-retry", from: "6.2.1", to: "7.1.1" };
  await relate(client, "owner/provider", "owner/consumer");
  const { task_id: parent } = await notify(
    client,
    changeEvent({ package: { ...upgrade, from_path: "/etc", to_path: "../secrets", tag: "next" } }),
  );
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args: ["--drain"] });

  await waitForStatus(client, parent, "finished");

  const [child] = await childrenOf(client, parent);
  expect(child?.["payload"]).toMatchObject({
    change_event: { package: { ...upgrade, tag: "next" } },
  });
  expect(JSON.stringify(child)).not.toContain("_path");
});

test("a parent that died with its children enqueued creates none twice", async ({
  url,
  client,
}) => {
  await relate(client, "owner/provider", "owner/a");
  await relate(client, "owner/provider", "owner/b", { type: "template_fork" });
  const { task_id: parent } = await notify(client);
  await using dying = startWorkerProcess(url, {
    tasks: TASKS,
    args: ["--concurrency", "1"],
    env: { TRIAGED_FAILPOINT: "run.ended" },
  });
  expect(await dying.exited).toBeNull();
  const before = await childrenOf(client, parent);
  expect(before.map(({ target }) => target)).toEqual(["owner/a", "owner/b"]);
  // Their keys are not held by live tasks any more.
  for (const { task_id } of before) {
    await client.query("select triaged.cancel_task($1)", [task_id]);
  }

  await using _next = startWorkerProcess(url, { tasks: TASKS });
  const { result } = await waitForStatus(client, parent, "finished");

  const ids = before.map(({ task_id }) => task_id);
  expect((await childrenOf(client, parent)).map(({ task_id }) => task_id)).toEqual(ids);
  expect(result).toMatchObject({
    consumers_scheduled: [{ repo: "owner/a", task_id: ids[0] }],
    derivatives_scheduled: [{ repo: "owner/b", task_id: ids[1] }],
  });
  const claims = "select from triaged.task_history where task_id = $1 and event = 'claim'";
  expect(await query(client, claims, [parent])).toHaveLength(2);
});

test("a source without dependents has nothing to schedule, and says why", async ({
  url,
  client,
}) => {
  await client.query("select triaged.save_repository('owner/lonely')");
  const unknown = await notify(client);
  const lonely = await notify(client, changeEvent({ source_repo: "owner/lonely" }));
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args: ["--drain"] });

  expect((await waitForStatus(client, unknown.task_id, "finished")).result).toEqual({
    status: "no_relationships",
    source_repo: "owner/provider",
    ...SCHEDULED,
    total_dependents: 0,
    message:
      "owner/provider is not registered (triaged relationships list shows what is); " +
      "say who depends on it: triaged relationships add",
  });
  expect(await call(client, "why", { task_id: unknown.task_id })).toMatchObject([
    { reason: expect.stringMatching(/: owner\/provider is not registered \(/) },
  ]);
  expect((await waitForStatus(client, lonely.task_id, "finished")).result).toMatchObject({
    status: "no_relationships",
    message: expect.stringMatching(/^owner\/lonely has no consumers and no derivatives; /),
  });
});

test("an event that is enqueued as it is, is understood; one that is none fails at once", async ({
  url,
  client,
}) => {
  const task_type = "change_notification";
  const bare = await enqueue(client, { task_type, payload: changeEvent() });
  const wrong = await enqueue(client, { task_type, payload: changeEvent({ branch: 1 }) });
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args: ["--drain"] });

  expect((await waitForStatus(client, bare, "finished")).result).toMatchObject({
    status: "no_relationships",
  });
  expect(await waitForStatus(client, wrong, "failed")).toMatchObject({
    error: expect.stringContaining("payload does not parse: branch: "),
    attempt_count: 1,
  });
});
