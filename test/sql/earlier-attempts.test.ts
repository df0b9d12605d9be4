import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  outcomeOf,
  query,
  readHistory,
  readTask,
  settle,
  startTask,
} from "../support/tasks.ts";
import { SETTLING, seedTask } from "../support/transitions.ts";

test.for(SETTLING)("an earlier attempt cannot $name the task", async ({ fire }, { db }) => {
  const { task_id, attempt } = await seedTask(db, "started");
  const before = await readTask(db, task_id);

  expect(await fire(db, { task_id, attempt: attempt - 1 })).toBe(false);

  expect(await readTask(db, task_id)).toEqual(before);
  expect(await readHistory(db, task_id)).toHaveLength(1);
});

test("an earlier attempt cannot carry out a cancel request", async ({ db }) => {
  const { task_id, attempt } = await seedTask(db, "started");
  await db.query("select triaged.cancel_task($1)", [task_id]);
  const earlier = { task_id, attempt: attempt - 1, outcome: "cancelled" };

  expect(await settle(db, [earlier])).toEqual([]);

  expect(await readTask(db, task_id)).toMatchObject({ status: "started" });
});

test("an earlier attempt cannot report progress", async ({ db }) => {
  const { task_id, attempt } = await seedTask(db, "started");

  const answers = [];
  for (const each of [attempt - 1, attempt]) {
    answers.push(
      await query(db, "select triaged.report_progress($1, $2, 50, 'half') as held", [
        task_id,
        each,
      ]),
    );
  }

  expect(answers).toEqual([[{ held: false }], [{ held: true }]]);
});

test("an attempt that gave its task back cannot report progress", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "release")]);

  expect(
    await query(db, "select triaged.report_progress($1, 1, 50) as held", [task.task_id]),
  ).toEqual([{ held: false }]);

  expect(await readTask(db, task.task_id)).toMatchObject({ progress_pct: null });
});

test("the late result of a rescued attempt is refused, the new one's is kept", async ({ db }) => {
  const lost = await startTask(db);
  await db.query("update triaged.workers set heartbeat_at = now() - interval '1 hour'");
  await db.query("select triaged.rescue_tasks()");
  const held = await claim(db);

  const settled = await settle(db, [
    outcomeOf(lost, "finish", { result: "late" }),
    outcomeOf(held, "finish", { result: "in time" }),
  ]);

  expect(settled).toEqual([{ task_id: held.task_id, attempt: 2, status: "finished" }]);
  expect(await readTask(db, held.task_id)).toMatchObject({ result: "in time", attempt_count: 2 });
});
