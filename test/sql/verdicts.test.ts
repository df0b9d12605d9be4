// Goal: of attempts that need one verdict, one works it out, and for no longer than the queue
// says that it holds its task.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";
import { makeResult } from "../support/triage-result.ts";
import { leave, readFillers, store, take } from "../support/verdicts.ts";

test("the first that needs a verdict works it out, and others learn who does", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];

  expect(await take(db, first)).toBeUndefined();

  expect(await take(db, second)).toEqual({ verdict: null, filler_task_id: first.task_id });
  // It may ask again: its claim is its own.
  expect(await take(db, first)).toBeUndefined();
});

test("a verdict that was stored is had by all, and its hits are counted", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await setClock(db, "2026-01-01T00:00:00Z");
  await take(db, first);

  expect(await store(db, first)).toBe(true);

  expect(await take(db, second)).toEqual({ verdict: makeResult(), filler_task_id: null });
  expect(await take(db, first)).toMatchObject({ verdict: makeResult() });
  expect(await query(db, "select * from triaged.triage_results_cache")).toMatchObject([
    {
      cache_key: "key",
      source_repo: "a/source",
      target_repo: "c/target",
      commit_sha: "2222222",
      target_sha: "3333333",
      relationship_type: "api_consumer",
      analyzer_version: "1.0.0",
      config_hash: "c0ffee",
      requires_action: true,
      urgency: "high",
      confidence: 0.5,
      hit_count: "2",
      last_hit_at: new Date("2026-01-01T00:00:00Z"),
      expires_at: new Date("2026-01-08T00:00:00Z"),
    },
  ]);
  expect(await readFillers(db)).toEqual([]);
});

test("verdicts of different keys have nothing to do with each other", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first, "one");

  expect(await take(db, second, "other")).toBeUndefined();
});

test("an attempt that lets go of a key leaves it to others", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);

  await leave(db, second);
  expect(await take(db, second)).toMatchObject({ filler_task_id: first.task_id });

  await leave(db, first);
  expect(await take(db, second)).toBeUndefined();
});

test.for([
  ["retry", { error: "no", delay_ms: 0 }],
  ["fail", { error: "no" }],
  ["finish", {}],
  ["ask", { prompt: "well?" }],
  ["release", {}],
] as const)("an attempt that ends by %s makes room", async ([outcome, more], { db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);

  await settle(db, [outcomeOf(first, outcome, more)]);

  expect(await take(db, second)).toBeUndefined();
  expect(await readFillers(db)).toEqual([
    { cache_key: "key", task_id: second.task_id, attempt: 1 },
  ]);
});

test("a dead worker makes room, also while the next attempt runs already", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await take(db, first);
  await db.query("update triaged.workers set heartbeat_at = now() - interval '1 hour'");
  await call(db, "rescue_tasks");
  const again = [await claim(db), await claim(db)].find((task) => task.task_id === first.task_id);

  expect(again).toMatchObject({ attempt_count: 2 });
  expect(await take(db, { ...second, attempt_count: 2 })).toBeUndefined();
});

test("the first of two verdicts stays", async ({ db }) => {
  const [first, second] = [await startTask(db), await startTask(db)];
  await store(db, first);

  expect(await store(db, second, { verdict: makeResult({ urgency: "low" }) })).toBe(false);

  expect((await take(db, first))?.verdict?.urgency).toBe("high");
});

test("a verdict that expired counts no more, and gives way before it is swept", async ({ db }) => {
  const task = await startTask(db);
  await setClock(db, "2026-01-01T00:00:00Z");
  await store(db, task, { keep_for: "10 minutes" });

  await setClock(db, "2026-01-01T00:09:59Z");
  expect(await take(db, task)).toMatchObject({ verdict: { urgency: "high" } });
  await setClock(db, "2026-01-01T00:10:00Z");
  expect(await take(db, task)).toBeUndefined();

  expect(await store(db, task, { verdict: makeResult({ urgency: "low" }) })).toBe(true);
  expect(await take(db, task)).toMatchObject({ verdict: { urgency: "low" } });
});

test("a relationship that changes ends the verdicts on it", async ({ db }) => {
  const task = await startTask(db);
  const pair = {
    source_repo: "a/source",
    target_repo: "c/target",
    relationship_type: "api_consumer",
  };
  await call(db, "save_relationship", pair);
  await store(db, task);

  await call(db, "save_relationship", { ...pair, relationship_config: { description: "new" } });

  expect(await take(db, task)).toBeUndefined();
});

test("the sweep takes those that lost their task, and only those", async ({ db }) => {
  const [ended, held] = [await startTask(db), await startTask(db)];
  await take(db, ended, "ended");
  await take(db, held, "held");
  await settle(db, [outcomeOf(ended, "finish")]);

  await call(db, "expire_verdicts");

  expect(await readFillers(db)).toMatchObject([{ cache_key: "held" }]);
});

test("the statistics tell what the cache spares", async ({ db }) => {
  const task = await startTask(db);
  await setClock(db, "2026-01-01T00:00:00Z");
  await store(db, task, { key: "one" });
  await store(db, task, { key: "other", keep_for: "10 minutes" });
  for (const key of ["one", "one", "other"]) await take(db, task, key);
  await setClock(db, "2026-01-01T01:00:00Z");
  await take(db, task, "one");

  expect(await queryOne(db, "select * from triaged.triage_cache_statistics")).toEqual({
    relationship_type: "api_consumer",
    analyzer_version: "1.0.0",
    verdicts: "2",
    hits: "4",
    hit_share: 4 / 6,
    last_hit_at: new Date("2026-01-01T01:00:00Z"),
    last_stored_at: new Date("2026-01-01T00:00:00Z"),
    expired: "1",
  });
});

test("the note of a finished attempt stands in its history", async ({ db }) => {
  const task = await startTask(db);
  await enqueue(db);
  const other = await claim(db);

  await settle(db, [
    outcomeOf(task, "finish", { detail: { cache: "hit" } }),
    outcomeOf(other, "finish"),
  ]);

  expect(
    await query(
      db,
      "select task_id, detail from triaged.task_history where event = 'finish' order by task_id",
    ),
  ).toEqual([
    { task_id: task.task_id, detail: { cache: "hit" } },
    { task_id: other.task_id, detail: null },
  ]);
});
