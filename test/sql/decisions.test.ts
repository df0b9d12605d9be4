import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  outcomeOf,
  query,
  readEvents,
  readTask,
  refusal,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

test("a task that asks waits with its prompt and what is known so far", async ({ db }) => {
  const task = await startTask(db);

  await settle(db, [outcomeOf(task, "ask", { prompt: "merge it?", result: { risk: "low" } })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "needs_decision",
    decision_prompt: "merge it?",
    decision: null,
    result: { risk: "low" },
    worker_id: null,
    started_at: null,
    failure_count: 0,
  });
});

test("a prompt is cut like an error, and a decision may be as long as a payload", async ({
  db,
}) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "?".repeat(9_000) })]);
  expect(await readTask(db, task.task_id)).toMatchObject({ decision_prompt: "?".repeat(8_192) });

  const decide = (length: number) =>
    call(db, "decide_task", {
      task_id: task.task_id,
      decision: JSON.stringify("x".repeat(length)),
    });

  expect(await refusal(db, () => decide(1_048_577))).toMatchObject({ code: "TR003" });
  await decide(1_000_000);
});

test("a task that asks still tells the error of the attempt before", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "retry", { error: "too early", delay_ms: 0 })]);

  await settle(db, [outcomeOf(await claim(db), "ask", { prompt: "merge it?" })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "needs_decision",
    error: "too early",
  });
});

test("a decision queues the task, and the next attempt sees it", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "merge it?" })]);
  await setClock(db, "2026-01-01T09:00:00Z");

  await call(db, "decide_task", { task_id: task.task_id, decision: { answer: "yes" } });

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    run_at: new Date("2026-01-01T09:00:00Z"),
  });
  expect(await claim(db)).toMatchObject({ decision: { answer: "yes" }, attempt_count: 2 });
  expect(await readEvents(db, task.task_id)).toEqual([
    "enqueue",
    "claim",
    "ask",
    "decide",
    "claim",
  ]);
});

test("a second question forgets the answer to the first", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "merge it?" })]);
  await call(db, "decide_task", { task_id: task.task_id, decision: { answer: "yes" } });

  await settle(db, [outcomeOf(await claim(db), "ask", { prompt: "really?" })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    decision_prompt: "really?",
    decision: null,
  });
});

test("a question that nobody answers can be cancelled", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "merge it?" })]);

  expect(await query(db, "select triaged.cancel_task($1)", [task.task_id])).toEqual([
    { cancel_task: "cancelled" },
  ]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "cancelled",
    error: "Cancelled by user",
  });
});
