// Goal: of tasks that need the same verdict one works it out, on whichever worker, and when it
// dies another one does; each of them passes on to its effects.
// Method: real workers, whose handler takes as long as its payload says.

import type { Client } from "pg";
import { describe, expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { readEffects } from "../support/effects.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { query, queryOne, readStory, readTask, waitForStatus } from "../support/tasks.ts";
import { askForVerdict as ask, readFillers, TASKS, verdictOf } from "../support/verdicts.ts";

async function stepOf(client: Client, taskId: string): Promise<string | null> {
  return (await readTask(client, taskId)).current_step;
}

async function waitUntilAnalysing(client: Client, taskId: string): Promise<void> {
  await waitFor(async () => (await stepOf(client, taskId)) === "analysing", {
    deadlineMs: 20_000,
  });
}

test("a verdict is worked out once, and what was taken from the cache says so", async ({
  url,
  client,
}) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const first = await ask(client, { ms: 0 });
  const worked = await verdictOf(client, first);

  const second = await ask(client, { ms: 0 });
  const taken = await verdictOf(client, second);

  expect(worked.cache).toEqual({ hit: false, key: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(taken).toMatchObject({
    cache: { hit: true, key: worked.cache.key },
    impact_summary: `task ${first}, attempt 1`,
  });
  expect(
    await query(
      client,
      "select detail from triaged.task_history where event = 'finish' order by task_id",
    ),
  ).toEqual([{ detail: { cache: "miss" } }, { detail: { cache: "hit" } }]);
  expect(await queryOne(client, "select hits from triaged.triage_cache_statistics")).toEqual({
    hits: "1",
  });
  // Both asked for it; of one key there is one.
  expect(await readEffects(client)).toMatchObject([{ task_id: first }]);
});

test("tasks on two workers wait for the one that works it out", async ({ url, client }) => {
  await using _one = startWorkerProcess(url, { tasks: TASKS, args: ["--name", "one"] });
  await using _other = startWorkerProcess(url, { tasks: TASKS, args: ["--name", "other"] });
  const first = await ask(client, { ms: 2_000 });
  await waitUntilAnalysing(client, first);
  const others = [await ask(client, { ms: 2_000 }), await ask(client, { ms: 2_000 })];

  for (const taskId of others) {
    await waitFor(
      async () =>
        (await stepOf(client, taskId)) ===
        `waiting for task ${first}, which works out the same verdict`,
    );
  }

  for (const taskId of others) {
    expect(await verdictOf(client, taskId)).toMatchObject({
      cache: { hit: true },
      impact_summary: `task ${first}, attempt 1`,
    });
  }
  expect(await verdictOf(client, first)).toMatchObject({ cache: { hit: false } });
  expect(await readFillers(client)).toEqual([]);
});

test("a waiting task takes over when the worker of the other one is killed", async ({
  url,
  client,
}) => {
  // Each has room for one task: the second cannot be on the worker of the first, and the first
  // not on that of the second.
  const single = (name: string) =>
    startWorkerProcess(url, { tasks: TASKS, args: ["--name", name, "--concurrency", "1"] });
  await using doomed = single("doomed");
  const first = await ask(client, { ms: 6_000 });
  await waitUntilAnalysing(client, first);
  await using _heir = single("heir");
  const second = await ask(client, { ms: 6_000 });
  await waitFor(
    async () => (await stepOf(client, second))?.startsWith(`waiting for task ${first}`) ?? false,
    { deadlineMs: 20_000 },
  );

  doomed.signal("SIGKILL");

  expect(await verdictOf(client, second)).toMatchObject({
    impact_summary: `task ${second}, attempt 1`,
  });
  expect(await verdictOf(client, first)).toMatchObject({
    cache: { hit: true },
    impact_summary: `task ${second}, attempt 1`,
  });
  expect(await readStory(client, first)).toContain("rescue queued");
  expect(await readFillers(client)).toEqual([]);
  expect(await readEffects(client)).toHaveLength(1);
});

describe("nothing is kept of a verdict that", () => {
  test("could not be reached: the next one tries for itself", async ({ url, client }) => {
    await using _worker = startWorkerProcess(url, { tasks: TASKS });
    await waitForStatus(client, await ask(client, { ms: 0, end: "throw" }), "failed");

    expect(await readFillers(client)).toEqual([]);
    expect(await verdictOf(client, await ask(client, { ms: 0 }))).toMatchObject({
      cache: { hit: false },
    });
  });

  test("a person has to decide; with the answer it is kept, as another one", async ({
    url,
    client,
  }) => {
    await using _worker = startWorkerProcess(url, { tasks: TASKS });
    const asking = await ask(client, { ms: 0, end: "ask" });
    await waitForStatus(client, asking, "needs_decision");
    expect(await readFillers(client)).toEqual([]);
    expect(await query(client, "select from triaged.triage_results_cache")).toEqual([]);

    await client.query(`select triaged.decide_task($1, '"yes"')`, [asking]);

    const decided = await verdictOf(client, asking);
    const other = await verdictOf(client, await ask(client, { ms: 0 }));
    expect(other.cache).toMatchObject({ hit: false });
    expect(other.cache.key).not.toBe(decided.cache.key);
  });
});

test("a cancel reaches a task that waits", async ({ url, client }) => {
  await using _worker = startWorkerProcess(url, { tasks: TASKS });
  const first = await ask(client, { ms: 30_000 });
  await waitUntilAnalysing(client, first);
  const second = await ask(client, { ms: 0 });
  await waitFor(async () => (await stepOf(client, second))?.startsWith("waiting") ?? false);

  await client.query("select triaged.cancel_task($1)", [second]);

  await waitForStatus(client, second, "cancelled");
  await client.query("select triaged.cancel_task($1)", [first]);
  await waitForStatus(client, first, "cancelled");
});
