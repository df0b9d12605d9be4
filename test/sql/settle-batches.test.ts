import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  enqueue,
  outcomeOf,
  readHistory,
  readTask,
  refusal,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

test("one batch settles every outcome", async ({ db }) => {
  const outcomes = [];
  for (const outcome of ["finish", "fail", "retry", "snooze", "release", "ask", "cancelled"]) {
    outcomes.push(outcomeOf(await startTask(db), outcome, { error: "x", prompt: "y?" }));
  }
  await db.query("select triaged.cancel_task($1)", [outcomes.at(-1)?.task_id]);

  const settled = await settle(db, outcomes);

  const statuses = new Map(settled.map(({ task_id, status }) => [task_id, status]));
  expect(outcomes.map(({ task_id, outcome }) => [outcome, statuses.get(task_id)])).toEqual([
    ["finish", "finished"],
    ["fail", "failed"],
    ["retry", "queued"],
    ["snooze", "queued"],
    ["release", "queued"],
    ["ask", "needs_decision"],
    ["cancelled", "cancelled"],
  ]);
});

test.for(["finish", "fail", "retry", "snooze", "release", "ask"])(
  "of two attempts of one task in a batch, $0 is taken from the one that holds",
  async (outcome, { db }) => {
    const first = await startTask(db);
    await settle(db, [outcomeOf(first, "release")]);
    const second = await claim(db);

    const settled = await settle(db, [
      outcomeOf(second, outcome, { error: "second", detail: { class: "timeout" } }),
      outcomeOf(first, outcome, { error: "first", detail: { class: "auth" } }),
    ]);

    expect(settled).toMatchObject([{ task_id: first.task_id, attempt: 2 }]);
    expect((await readHistory(db, first.task_id)).slice(-1)).toMatchObject([
      {
        attempt_count: 2,
        ...(outcome === "fail" || outcome === "retry"
          ? { error: "second", detail: { class: "timeout" } }
          : {}),
      },
    ]);
  },
);

test("a batch that holds nothing settles nothing", async ({ db }) => {
  expect(await settle(db, [{ task_id: "1", attempt: 1, outcome: "finish" }])).toEqual([]);
});

test("an unknown outcome refuses the whole batch", async ({ db }) => {
  const task = await startTask(db);

  const refused = await refusal(db, () =>
    settle(db, [outcomeOf(task, "finish"), outcomeOf(task, "zz")]),
  );

  expect(refused).toMatchObject({
    code: "22023",
    message: "unknown outcome zz",
    hint: "Known are finish, fail, retry, snooze, release, ask, cancelled.",
  });
  expect(await readTask(db, task.task_id)).toMatchObject({ status: "started" });
});

test("history tells how long a task waited and ran, to the millisecond", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { run_at: "2026-01-01T00:00:10Z" });
  await setClock(db, "2026-01-01T00:00:11.234567Z");
  const first = await claim(db);
  await setClock(db, "2026-01-01T00:00:15.234567Z");
  await settle(db, [outcomeOf(first, "snooze", { delay_ms: 1_000 })]);
  await setClock(db, "2026-01-01T00:00:17.234567Z");
  const second = await claim(db);
  await setClock(db, "2026-01-01T00:00:17.999999Z");
  await settle(db, [outcomeOf(second, "finish")]);

  const history = await readHistory(db, taskId);

  expect(history.map(({ event, wait_ms, duration_ms }) => [event, wait_ms, duration_ms])).toEqual([
    ["enqueue", null, null],
    ["claim", "1234", null],
    ["snooze", null, "4000"],
    ["claim", "1000", null],
    ["finish", null, "765"],
  ]);
});

test("history tells who held the task, and at which attempt", async ({ db }) => {
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);

  await settle(db, [outcomeOf(task, "retry", { error: "busy", delay_ms: 0 })]);

  const history = await readHistory(db, task.task_id);
  expect(history.map((row) => [row["event"], row["worker_id"], row["attempt_count"]])).toEqual([
    ["enqueue", null, 0],
    ["claim", worker_id, 1],
    ["fail", worker_id, 1],
  ]);
});
