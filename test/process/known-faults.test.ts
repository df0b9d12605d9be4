// Goal: what an older system claimed of its triage, and did not do, is done here.
// Method: the handlers that come with triaged in a real worker, and a stub server at the end.
// docs/known-faults.md lists all twelve faults with the tests that keep them away.

import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { createClient } from "../../src/index.ts";
import { createTriageClient } from "../../src/triage/client.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../support/changes.ts";
import { test as base, waitFor } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import { readEffects } from "../support/effects.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { startStub } from "../support/http-servers.ts";
import { writeTree } from "../support/packages.ts";
import { runCli, startJobsProcess, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
/** The handlers that come with triaged. */
const TASKS = path.join(ROOT, "tasks");
const PATIENT = { deadlineMs: 20_000 };

type Triage = { readonly event?: object; readonly config?: object };

/** A test that can enqueue the older system's change, by default for a consumer on disk. */
const test = base.extend<{ payload: (given?: Triage) => Record<string, unknown> }>({
  payload: async ({}, use) => {
    const folder = await makeTemporaryFolder();
    await writeTree(folder.path, {}, LLM_CONSUMER);
    await use(({ event = {}, config = {} } = {}) => ({
      source_repo: LLM_EVENT.source_repo,
      target_repo: "owner/consumer",
      change_event: { ...LLM_EVENT, ...event },
      relationship_config: {
        path: folder.path,
        interface_files: ["utils/llm_client.py"],
        ...config,
      },
    }));
    await folder.remove();
  },
});

/** A relationship that maps all that LLM_EVENT touches to one urgency. */
function mapped(to: string): Triage {
  return { config: { urgency_mapping: { authentication: to, deployment: to, configuration: to } } };
}

async function triage(client: Client, payload: object): Promise<string> {
  return await enqueue(client, { task_type: "consumer_triage", payload });
}

test("a verdict is read again, and those of two relationships of a pair do not collide", async ({
  url,
  client,
  payload,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const isHit = async (config: object): Promise<unknown> => {
    const taskId = await triage(client, payload({ config }));
    await waitForStatus(client, taskId, "finished");
    const [row] = await query(
      client,
      "select result #> '{cache,hit}' as hit from triaged.tasks where task_id = $1",
      [taskId],
    );
    return row?.["hit"];
  };
  const asConsumer = { relationship_type: "api_consumer" };
  const asFork = { relationship_type: "template_fork" };

  const hits = [];
  for (const config of [asConsumer, asConsumer, asFork, asConsumer, asFork]) {
    hits.push(await isHit(config));
  }

  expect(hits).toEqual([false, true, false, true, true]);
  const cached = "select relationship_type from triaged.triage_results_cache order by 1";
  expect(await query(client, cached)).toEqual([asConsumer, asFork]);
});

test("there is one engine: what comes in by any door is run by the same worker", async ({
  url,
  client,
  payload,
}) => {
  const { source_repo, target_repo, change_event, relationship_config } = payload();
  const byInsert = await query<{ task_id: string }>(
    client,
    `insert into triaged.triage_tasks
       (task_type, source_repo, target_repo, change_event, relationship_config)
     values ('consumer_triage', $1, $2, $3, $4) returning task_id`,
    [source_repo, target_repo, change_event, relationship_config],
  );
  const pool = poolOf(url);
  const byClient = await createTriageClient(createClient({ pool })).enqueueConsumerTriage(
    String(source_repo),
    String(target_repo),
    { ...LLM_EVENT, commit_sha: "another" },
    { ...Object(relationship_config) },
  );
  await pool.end();
  const byCommand = await runCli(["enqueue", "consumer_triage", "-", "--json"], {
    env: { DATABASE_URL: url },
    input: JSON.stringify(payload()),
  });
  const bySql = await triage(client, payload());
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args: ["--drain"] });

  const ids = [
    byInsert[0]?.task_id,
    byClient,
    String(JSON.parse(byCommand.stdout).task_id),
    bySql,
  ].map(String);
  expect(new Set(ids).size).toBe(4);
  for (const taskId of ids) {
    expect(await waitForStatus(client, taskId, "finished")).toMatchObject({
      result: { requires_action: true, urgency: "high" },
    });
  }
  expect(await query(client, "select distinct worker_id from triaged.tasks")).toHaveLength(1);
});

test("a cancel ends an analysis that runs, and nothing is written over it", async ({
  url,
  client,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const taskId = await triage(client, {
    source_repo: "sindresorhus/p-retry",
    target_repo: "example/p-retry-consumer",
    change_event: { package: { name: "p-retry", from: "6.2.1", to: "7.1.1" } },
    relationship_config: { path: path.join(ROOT, "examples", "p-retry-consumer") },
  });
  await waitFor(
    async () => ((await readTask(client, taskId)).progress_pct ?? 0) > 0 || undefined,
    PATIENT,
  );

  await client.query("select triaged.cancel_task($1)", [taskId]);

  expect(await waitForStatus(client, taskId, "cancelled")).toMatchObject({ result: null });
  expect((await readStory(client, taskId)).slice(-2)).toEqual([
    "cancel started",
    "cancel cancelled",
  ]);
  expect(await readEffects(client)).toEqual([]);
});

test.for([
  ["a consumer that is not there", { config: { path: "/nowhere/at/all" } }, /\/nowhere\/at\/all/],
  [
    "a package that is not there",
    { event: { package: { name: "no-such-package-here", from: "1.0.0", to: "2.0.0" } } },
    /no-such-package-here/,
  ],
  ["files that are no list", { event: { changed_files: "app.py" } }, /changed_files/],
] as const)(
  "a triage of %s fails, and is not said to need no action",
  async ([, given, said], { url, client, payload }) => {
    // Where it would be looked for beyond the disk, nobody answers.
    const env = { npm_config_registry: "http://127.0.0.1:9", npm_config_fetch_retries: "0" };
    await using _worker = startWorkerProcess(url, { tasks: TASKS, env });
    const taskId = await enqueue(client, {
      task_type: "consumer_triage",
      payload: payload(given),
      max_attempts: 1,
    });

    const task = await waitForStatus(client, taskId, "failed");

    expect(task).toMatchObject({ result: null, error: expect.stringMatching(said) });
    expect(await readEffects(client)).toEqual([]);
    expect((await readStory(client, taskId)).at(-1)).toBe("fail failed");
  },
);

test("the urgency that a relationship maps decides what is sent, and with which labels", async ({
  url,
  client,
  payload,
}) => {
  await using stub = await startStub();
  await using _jobs = startJobsProcess(url, stub, {
    WEBHOOK_URL: `${stub.url}/hook`,
    ALLOW_PRIVATE_WEBHOOKS: "true",
  });
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const critical = await triage(client, payload(mapped("critical")));
  await waitForStatus(client, critical, "finished");
  const low = await triage(client, {
    ...payload(mapped("low")),
    target_repo: "owner/relaxed",
  });
  await waitForStatus(client, low, "finished");

  const kindsOf = async (taskId: string) =>
    (await readEffects(client))
      .filter((effect) => effect["task_id"] === taskId)
      .map(({ kind }) => String(kind))
      .toSorted((left, right) => left.localeCompare(right));
  expect(await kindsOf(critical)).toEqual(["context_sink", "github_issue", "webhook"]);
  expect(await kindsOf(low)).toEqual(["digest"]);
  await waitFor(() => stub.calls().includes("POST /hook") && stub.issues.length > 0, PATIENT);
  expect(stub.issues).toMatchObject([{ labels: ["dependency", "urgent", "breaking-change"] }]);
});
