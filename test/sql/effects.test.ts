// Goal: effects are written with the settle of the attempt that asked for them, or not at all.
import { expect } from "vitest";
import type { Queryable } from "../../src/database/database.ts";
import { test } from "../support/connections.ts";
import { readEffects } from "../support/effects.ts";
import {
  type Claimed,
  call,
  claim,
  type Outcome,
  outcomeOf,
  readTask,
  refusal,
  type Settled,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

const NOON = "2027-01-31T12:00:00Z";

function effectOf(task: Claimed, key: string, more = {}) {
  const { task_id, attempt_count: attempt } = task;
  return { task_id, attempt, kind: "webhook", key, payload: { about: key }, ...more };
}

async function settleWith(
  db: Queryable,
  outcomes: readonly Outcome[],
  effects: readonly unknown[],
): Promise<Settled[]> {
  return await call<Settled>(db, "settle_tasks_with_effects", {
    outcomes: JSON.stringify(outcomes),
    effects: JSON.stringify(effects),
  });
}

test("a task that finishes has its effects written with it", async ({ db }) => {
  await setClock(db, NOON);
  const task = await startTask(db);

  const settled = await settleWith(db, [outcomeOf(task, "finish")], [effectOf(task, "a")]);

  expect(settled).toEqual([{ task_id: task.task_id, attempt: 1, status: "finished" }]);
  expect(await readEffects(db)).toEqual([
    {
      effect_id: expect.any(String),
      task_id: task.task_id,
      kind: "webhook",
      effect_key: "a",
      payload: { about: "a" },
      status: "pending",
      attempts: 0,
      attempts_max: 20,
      due_at: new Date(NOON),
      external_ref: null,
      last_error: null,
      created_at: new Date(NOON),
      delivered_at: null,
      traceparent: null,
    },
  ]);
});

test("an attempt that lost its task writes no effect", async ({ db }) => {
  const lost = await startTask(db);
  await settle(db, [outcomeOf(lost, "release")]);
  await claim(db);

  const settled = await settleWith(db, [outcomeOf(lost, "finish")], [effectOf(lost, "a")]);

  expect(settled).toEqual([]);
  expect(await readEffects(db)).toEqual([]);
  expect(await readTask(db, lost.task_id)).toMatchObject({ status: "started" });
});

test("of a batch each task gets its own effects, and one that was lost none", async ({ db }) => {
  const lost = await startTask(db);
  await settle(db, [outcomeOf(lost, "release")]);
  const held = await claim(db);
  const other = await startTask(db);

  await settleWith(
    db,
    [outcomeOf(lost, "finish"), outcomeOf(other, "finish")],
    [effectOf(lost, "of the lost one"), effectOf(other, "of the other")],
  );

  expect(held.task_id).toBe(lost.task_id);
  expect(await readEffects(db)).toMatchObject([
    { task_id: other.task_id, effect_key: "of the other" },
  ]);
});

test("of two attempts of one task in a batch only the one that holds has effects", async ({
  db,
}) => {
  const first = await startTask(db);
  await settle(db, [outcomeOf(first, "release")]);
  const second = await claim(db);

  await settleWith(
    db,
    [outcomeOf(first, "finish"), outcomeOf(second, "finish")],
    [effectOf(first, "first"), effectOf(second, "second")],
  );

  expect((await readEffects(db)).map((row) => row["effect_key"])).toEqual(["second"]);
});

test.for(["fail", "retry", "snooze", "release"])(
  "an attempt that ends by %s writes none",
  async (outcome, { db }) => {
    const task = await startTask(db);

    await settleWith(db, [outcomeOf(task, outcome, { error: "x" })], [effectOf(task, "a")]);

    expect(await readEffects(db)).toEqual([]);
  },
);

test("a task that asks has its effects, and none where its cancel wins", async ({ db }) => {
  const asking = await startTask(db);
  const cancelled = await startTask(db);
  await call(db, "cancel_task", { task_id: cancelled.task_id });

  await settleWith(
    db,
    [asking, cancelled].map((task) => outcomeOf(task, "ask", { prompt: "y?" })),
    [effectOf(asking, "asks"), effectOf(cancelled, "cancelled")],
  );

  expect((await readEffects(db)).map((row) => row["effect_key"])).toEqual(["asks"]);
});

test("a key that is known stays the effect that it is", async ({ db }) => {
  const first = await startTask(db);
  await settleWith(db, [outcomeOf(first, "finish")], [effectOf(first, "a")]);
  const second = await startTask(db);

  await settleWith(
    db,
    [outcomeOf(second, "finish")],
    [effectOf(second, "a", { payload: { about: "later" } })],
  );

  expect(await readEffects(db)).toMatchObject([
    { task_id: first.task_id, payload: { about: "a" } },
  ]);
  expect(await readTask(db, second.task_id)).toMatchObject({ status: "finished" });
});

test("an effect that cannot be written settles nothing", async ({ db }) => {
  const task = await startTask(db);

  const refused = await refusal(db, () =>
    settleWith(db, [outcomeOf(task, "finish")], [effectOf(task, "a", { kind: "fax" })]),
  );

  expect(refused.constraint).toBe("effects_kind_known");
  expect(await readTask(db, task.task_id)).toMatchObject({ status: "started" });
});
