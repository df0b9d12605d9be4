// Goal: whoever needs a verdict has it, works it out, or waits: not for ever, and not past a stop.

import type { Client } from "pg";
import { expect } from "vitest";
import { DATABASE, inSchema } from "../../src/database/database.ts";
import { awaitVerdict, cacheVerdict } from "../../src/triage/verdict/cache.ts";
import { test } from "../support/connections.ts";
import { makeHandlerContext } from "../support/handlers.ts";
import { type Claimed, query, queryOne, startTask } from "../support/tasks.ts";
import { makeResult } from "../support/triage-result.ts";
import { leave, store, take } from "../support/verdicts.ts";

/** What the handler of the task gets, with the steps that it tells. */
function contextOf(db: Client, task: Claimed) {
  const steps: (string | undefined)[] = [];
  const controller = new AbortController();
  const { task: about, ...rest } = makeHandlerContext({
    attempt: task.attempt_count,
    signal: controller.signal,
    [DATABASE]: inSchema(db),
    progress: (_percent, step) => steps.push(step),
  });
  return { ...rest, task: { ...about, taskId: task.task_id }, steps, controller };
}

test("the first to ask works the verdict out", async ({ db }) => {
  const task = await startTask(db);

  expect(await awaitVerdict("key", contextOf(db, task))).toBeNull();
});

test("an attempt that waits says for whom, once, and has the verdict when it is stored", async ({
  db,
}) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);
  const context = contextOf(db, second);

  const waiting = awaitVerdict("key", context);
  await expect.poll(() => context.steps).not.toEqual([]);
  await store(db, first);

  expect(await waiting).toEqual(makeResult());
  expect(context.steps).toEqual([
    `waiting for task ${first.task_id}, which works out the same verdict`,
  ]);
});

test("an attempt that waits works the verdict out when the other one lets go of it", async ({
  db,
}) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);
  const context = contextOf(db, second);

  const waiting = awaitVerdict("key", context);
  await expect.poll(() => context.steps).not.toEqual([]);
  await leave(db, first);

  expect(await waiting).toBeNull();
});

test("an attempt that has waited for long gives its place to others", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);

  await expect(awaitVerdict("key", contextOf(db, second), { waitMsMax: -1 })).rejects.toMatchObject(
    {
      name: "Snooze",
      delayMs: 5_000,
      message: `task ${first.task_id} works out the same verdict`,
    },
  );
});

test("an attempt that is told to stop waits no longer", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);
  const context = contextOf(db, second);
  const reason = new Error("cancelled by user");

  const waiting = awaitVerdict("key", context);
  context.controller.abort(reason);

  await expect(waiting).rejects.toBe(reason);
});

test("a stored verdict of a shape that nobody knows is worked out again", async ({ db }) => {
  const task = await startTask(db);
  await store(db, task, { verdict: { ...makeResult(), schema_version: 2 } });

  expect(await awaitVerdict("key", contextOf(db, task))).toBeNull();
});

test.for([
  [[], "7 days"],
  [["x was not read"], "00:10:00"],
] as const)("a verdict that is degraded by %j is kept for %s", async ([degraded, kept], { db }) => {
  const task = await startTask(db);
  const verdict = {
    ...makeResult({ evidence: { degraded: [...degraded] } }),
    cache: { hit: false, key: "key" },
  };

  await cacheVerdict(
    verdict,
    { relationshipType: "api_consumer", configHash: "c0ffee" },
    contextOf(db, task),
  );

  expect(
    await queryOne(
      db,
      "select (expires_at - created_at)::text as kept from triaged.triage_results_cache",
    ),
  ).toEqual({ kept });
});

test("a verdict that cannot be stored is given all the same", async ({ db }) => {
  const task = await startTask(db);
  const verdict = {
    ...makeResult({ impact_summary: "\u0000" }),
    cache: { hit: false, key: "key" },
  };
  await db.query("savepoint before");

  await cacheVerdict(verdict, { relationshipType: "x", configHash: "x" }, contextOf(db, task));

  await db.query("rollback to savepoint before");
  expect(await query(db, "select from triaged.triage_results_cache")).toEqual([]);
});
