// Goal: consumer_triage itself is worked out once for the same inputs, whichever worker dies,
// and gives the verdict of the rules where a model goes beyond its bounds.
// Method: real workers on the older system's change, which needs no repository.

import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { LLM_CONSUMER, LLM_EVENT } from "../support/changes.ts";
import { test as base } from "../support/connections.ts";
import { readEffects } from "../support/effects.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { answerJson, startStub } from "../support/http-servers.ts";
import { answers, startModel } from "../support/model-stub.ts";
import { writeTree } from "../support/packages.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, waitForStatus } from "../support/tasks.ts";
import { readFillers, verdictOf } from "../support/verdicts.ts";

/** The handlers that come with triaged. */
const TASKS = path.join(import.meta.dirname, "..", "..", "tasks");

type Triage = (config?: object) => Promise<string>;

/** A test that can ask for a triage of the change; resolves to the task's id. */
const test = base.extend<{ triage: Triage }>({
  triage: async ({ client }, use) => {
    const folder = await makeTemporaryFolder();
    await writeTree(path.join(folder.path, "consumer"), {}, LLM_CONSUMER);
    await use((config = {}) => ask(client, path.join(folder.path, "consumer"), config));
    await folder.remove();
  },
});

async function ask(client: Client, folder: string, config: object): Promise<string> {
  const payload = {
    source_repo: "owner/llm-container",
    target_repo: "owner/consumer",
    change_event: LLM_EVENT,
    relationship_config: {
      relationship_type: "api_consumer",
      interface_files: ["utils/llm_client.py"],
      path: folder,
      ...config,
    },
  };
  return await enqueue(client, { task_type: "consumer_triage", payload });
}

test("a change that is told twice is analysed once, and its issue opened once", async ({
  url,
  client,
  triage,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const first = await verdictOf(client, await triage());
  const second = await verdictOf(client, await triage());

  expect([first.cache.hit, second.cache.hit]).toEqual([false, true]);
  expect({ ...second, cache: first.cache, duration_ms: first.duration_ms }).toEqual(first);
  const kinds = (await readEffects(client)).map((row) => String(row["kind"]));
  expect(kinds.toSorted()).toEqual(["context_sink", "github_issue", "webhook"]);
});

test("the next verdict is told of by the settings of today, also one that is cached", async ({
  url,
  client,
  triage,
}) => {
  const settle = (high: object) =>
    client.query("select triaged.save_relationship_settings('notifications', $1)", [
      { default_urgency_thresholds: { high } },
    ]);
  const told = async () =>
    (await readEffects(client))
      .map(({ kind, payload }) => `${String(kind)}: ${Reflect.get(Object(payload), "labels")}`)
      .toSorted();
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  await settle({ action: "create_issue", notify_webhook: false, labels: ["calm"] });
  const first = await verdictOf(client, await triage());
  expect(first.urgency).toBe("high");
  expect(await told()).toEqual(["context_sink: calm", "github_issue: calm"]);

  await settle({ action: "add_to_digest", notify_webhook: true, labels: [] });
  const second = await verdictOf(client, await triage());

  expect(second.cache).toEqual({ hit: true, key: first.cache.key });
  expect(await told()).toEqual([
    "context_sink: calm",
    "digest: ",
    "github_issue: calm",
    "webhook: ",
  ]);
});

test("another configuration of the relationship is another verdict", async ({
  url,
  client,
  triage,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  await verdictOf(client, await triage());

  const other = await verdictOf(client, await triage({ urgency_mapping: { deployment: "low" } }));

  expect(other.cache.hit).toBe(false);
});

test("of tasks on two workers one analyses, also when its worker is killed meanwhile", async ({
  url,
  client,
  triage,
}) => {
  const tasks = [await triage(), await triage(), await triage(), await triage()];
  await using doomed = startWorkerProcess(url, { tasks: TASKS, args: ["--name", "doomed"] });
  await using _heir = startWorkerProcess(url, { tasks: TASKS, args: ["--name", "heir"] });
  await expect.poll(() => readFillers(client), { timeout: 20_000, interval: 5 }).toHaveLength(1);

  doomed.signal("SIGKILL");

  const hits: boolean[] = [];
  for (const taskId of tasks) hits.push((await verdictOf(client, taskId)).cache.hit);
  // None at all where the worker died between storing it and finishing.
  expect(hits.filter((hit) => !hit).length).toBeLessThanOrEqual(1);
  expect(await readFillers(client)).toEqual([]);
  expect(await readEffects(client)).toHaveLength(3);
  const stored = await client.query("select from triaged.triage_results_cache");
  expect(stored.rowCount).toBe(1);
});

test("a model that goes beyond its bounds leaves the verdict of the rules", async ({
  url,
  client,
  triage,
}) => {
  // Nobody knows the consumer: its usage is unknown, and the model is asked.
  const open = { path: undefined };
  const before = await (async () => {
    await using _alone = startWorkerProcess(url, { tasks: TASKS });
    return await verdictOf(client, await triage(open));
  })();
  await using model = await startModel(
    answers({ requires_action: false, affected_files: ["ghost.ts"], confidence: 1 }),
  );
  await using _worker = startWorkerProcess(url, {
    tasks: TASKS,
    env: { LLM_API_KEY: "s3cret", LLM_MODEL: "stub-1", LLM_BASE_URL: model.url },
  });

  const after = await verdictOf(client, await triage(open));

  expect(model.received).toHaveLength(2);
  expect(model.received[0]?.text).toContain("APIKeyHeader");
  expect(after.adjudication.error).toBe("the answer names files that were not scanned");
  const { cache: _key, duration_ms: _ms, adjudication: _said, ...verdict } = after;
  expect(before).toMatchObject(verdict);
});

test("a verdict that nobody can settle asks a person, whose answer decides", async ({
  url,
  client,
  triage,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const asking = await triage({ on_uncertain: "ask", path: undefined });
  const { result } = await waitForStatus(client, asking, "needs_decision");
  expect(result).toMatchObject({ cache: { hit: false }, requires_action: true });

  await client.query(`select triaged.decide_task($1, '"no"')`, [asking]);

  expect(await verdictOf(client, asking)).toMatchObject({ requires_action: false });
});

/** A knowledge base that says this of every repository from now on; null: nothing, and fails. */
async function startKnowledge() {
  const knows: { platform: string | null } = { platform: "one" };
  const stub = await startStub((_received, response) => {
    answerJson(response, knows.platform === null ? 500 : 200, { platform: knows.platform });
    return true;
  });
  return { stub, knows };
}

test("the context of a verdict is that of its moment, and the cache holds none", async ({
  url,
  client,
  triage,
}) => {
  const { stub, knows } = await startKnowledge();
  await using _knowledge = stub;
  await using _worker = startWorkerProcess(url, {
    tasks: TASKS,
    env: { DEV_NEXUS_URL: `${stub.url}/` },
  });
  const first = await verdictOf(client, await triage());
  knows.platform = "two";
  const second = await verdictOf(client, await triage());
  knows.platform = null;
  const third = await verdictOf(client, await triage());

  expect(stub.calls()).toEqual(Array(3).fill("GET /api/kb/deployment/owner/llm-container"));
  expect([first, second, third].map((one) => [one.cache.hit, one.architecture_context])).toEqual([
    [false, "platform: one"],
    [true, "platform: two"],
    [true, ""],
  ]);
  expect([first, third].map(({ evidence }) => evidence.context)).toMatchObject([
    { repo: "owner/llm-container", status: "found" },
    { status: "unavailable", reason: expect.stringContaining("answered 500") },
  ]);
  const cached = await client.query(
    "select result_data as verdict from triaged.triage_results_cache",
  );
  expect(cached.rows).toMatchObject([{ verdict: { architecture_context: "" } }]);
  expect(JSON.stringify(cached.rows)).not.toContain("platform");
  const [issue] = (await readEffects(client)).filter(({ kind }) => kind === "github_issue");
  expect(issue?.["payload"]).toMatchObject({ architecture_context: "platform: one" });
});

test("a model reads the context, which is an input of the verdict then", async ({
  url,
  client,
  triage,
}) => {
  const { stub, knows } = await startKnowledge();
  await using _knowledge = stub;
  await using model = await startModel(answers({ affected_files: [] }));
  await using _worker = startWorkerProcess(url, {
    tasks: TASKS,
    env: {
      CONTEXT_URL: stub.url,
      LLM_API_KEY: "s3cret",
      LLM_MODEL: "stub-1",
      LLM_BASE_URL: model.url,
    },
  });
  const open = { path: undefined };
  const first = await verdictOf(client, await triage(open));
  const same = await verdictOf(client, await triage(open));
  knows.platform = "two";
  const other = await verdictOf(client, await triage(open));

  expect([first, same, other].map(({ cache }) => cache.hit)).toEqual([false, true, false]);
  expect(same.cache.key).toBe(first.cache.key);
  expect(other.cache.key).not.toBe(first.cache.key);
  expect(model.received.map(({ text }) => /platform: (\w+)/.exec(text)?.[1])).toEqual([
    "one",
    "two",
  ]);
});
