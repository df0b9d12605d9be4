// Goal: a statement that no function of the queue makes is 'manual', whatever ran before it in
// the same transaction.
// Method: run each function, with and without something for it to do, then move a task by hand.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  currentRole,
  enqueue,
  readEvents,
  readHistory,
  refusal,
  startTask,
} from "../support/tasks.ts";
import { OPERATING, QUEUEING, SETTLING, seedTask } from "../support/transitions.ts";

const EVENTS = [...SETTLING, ...QUEUEING];

async function moveByHand(db: Parameters<typeof enqueue>[0], taskId: string): Promise<unknown> {
  await db.query("update triaged.tasks set status = 'cancelled' where task_id = $1", [taskId]);
  const { event, actor, detail } = (await readHistory(db, taskId)).at(-1) ?? {};
  return { event, actor, detail };
}

test.for(EVENTS)("a move by hand after $name is manual", async ({ fire, event }, { db }) => {
  const attempt = await seedTask(db, event === "claim" ? "queued" : "started");
  const taskId = await enqueue(db, { task_type: "other" });
  expect(await fire(db, attempt)).toBe(true);

  expect(await moveByHand(db, taskId)).toEqual({
    event: "manual",
    actor: await currentRole(db),
    detail: null,
  });
});

test.for(EVENTS)("a move by hand after a vain $name is manual", async ({ fire }, { db }) => {
  const attempt = await seedTask(db, "finished");
  const taskId = await enqueue(db, { task_type: "other" });
  expect(await fire(db, attempt)).toBe(false);

  expect(await moveByHand(db, taskId)).toMatchObject({ event: "manual" });
});

test.for(OPERATING)("a move by hand after a refused $name is manual", async ({ fire }, { db }) => {
  const attempt = await seedTask(db, "finished");
  const taskId = await enqueue(db);
  await refusal(db, () => fire(db, attempt));

  expect(await moveByHand(db, taskId)).toMatchObject({ event: "manual" });
});

test("a move by hand after an enqueue, alone, in a batch or in vain, is manual", async ({ db }) => {
  const events = [];
  for (const tasks of [
    '[{"task_type": "a"}]',
    '[{"task_type": "a", "dedupe_key": "k"}]',
    '[{"task_type": "a", "dedupe_key": "k"}]',
    '[{"task_type": "a", "dedupe_key": "k", "dedupe_mode": "replace"}]',
    "[]",
  ]) {
    const taskId = await enqueue(db);
    await call(db, "enqueue_tasks", { tasks });
    events.push(await moveByHand(db, taskId));
  }

  expect(events).toEqual(
    Array.from({ length: 5 }, () => expect.objectContaining({ event: "manual" })),
  );
});

test("a session that sets the event itself writes no other history for it", async ({ db }) => {
  const { task_id } = await startTask(db);
  await db.query("set local triaged.event to 'replace'; set local triaged.event_by to 'the boss'");

  await call(db, "report_progress", { task_id, attempt: 1, progress_pct: 50 });
  await db.query("set local triaged.event to 'finish'; set local triaged.event_by to 'worker'");

  expect(await moveByHand(db, task_id)).toMatchObject({
    event: "manual",
    actor: await currentRole(db),
  });
  expect(await readEvents(db, task_id)).toEqual(["enqueue", "claim", "manual"]);
});

test("a delete by hand after a function is refused all the same", async ({ db }) => {
  const task = await startTask(db);
  await call(db, "cancel_task", { task_id: task.task_id });

  expect(await refusal(db, () => db.query("delete from triaged.live_tasks"))).toMatchObject({
    code: "TR002",
  });
});
