// Goal: a model settles what is open, a person where no model does, and neither overrules the
// other; no key leaves the worker but to the model.
// Method: a real worker with a model on loopback.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import type { StubServer } from "../support/http-servers.ts";
import { answers, refuses, startModel } from "../support/model-stub.ts";
import { startCli, startWorkerProcess } from "../support/processes.ts";
import { query, queryOne, readTask, waitForStatus } from "../support/tasks.ts";
import { askForVerdict, TASKS, verdictOf } from "../support/verdicts.ts";

function startWorker(url: string, model: StubServer) {
  const env = { LLM_API_KEY: "s3cret", LLM_MODEL: "stub-1", LLM_BASE_URL: `${model.url}/v1/` };
  return startWorkerProcess(url, { tasks: TASKS, env });
}

test.for([
  ["an answer", answers(), "7 days"],
  ["none", refuses(401), "10 minutes"],
] as const)(
  "a verdict with %s of the model is kept for as long as it is worth",
  async ([, behaviour, kept], { url, client }) => {
    await using model = await startModel(behaviour);
    const asked = await askForVerdict(client, { ms: 0 });
    await using worker = startWorker(url, model);

    const verdict = await verdictOf(client, asked);

    expect(model.received).toHaveLength(1);
    expect(verdict).toMatchObject({
      adjudication: { used: kept === "7 days", model: "stub-1" },
    });
    expect(
      await queryOne(
        client,
        "select expires_at - created_at = $1::interval as kept from triaged.triage_results_cache",
        [kept],
      ),
    ).toEqual({ kept: true });
    expect(JSON.stringify([verdict, worker.log()])).not.toContain("s3cret");
  },
);

test("a question that a model has settled is not put to a person", async ({ url, client }) => {
  await using model = await startModel(answers());
  const asked = await askForVerdict(client, { ms: 0, end: "ask" });
  await using _worker = startWorker(url, model);

  expect(await verdictOf(client, asked)).toMatchObject({ adjudication: { used: true } });
});

test("a question that a person has decided is put to no model, and cached for itself", async ({
  url,
  client,
}) => {
  await using model = await startModel(refuses(401), answers());
  const asked = await askForVerdict(client, { ms: 0, end: "ask" });
  await using _worker = startWorker(url, model);
  await waitForStatus(client, asked, "needs_decision");
  expect(await readTask(client, asked)).toMatchObject({
    result: { adjudication: { used: false, error: expect.stringContaining("answered 401") } },
  });

  const { ended } = startCli(["decide", asked, "yes"], { env: { DATABASE_URL: url } });

  expect(await ended).toMatchObject({ code: 0 });
  const decided = await verdictOf(client, asked);
  expect(decided).toMatchObject({ cache: { hit: false }, adjudication: { used: false } });
  expect(model.received).toHaveLength(1);
  expect(await query(client, "select cache_key from triaged.triage_results_cache")).toEqual([
    { cache_key: decided.cache.key },
  ]);
});
