import type { Client } from "pg";
import { expect } from "vitest";
import { test as committing, test } from "../support/connections.ts";
import {
  claimTasks,
  outcomeOf,
  query,
  queryOne,
  readHistory,
  readTask,
  settle,
  startWorker,
} from "../support/tasks.ts";

type Run = { task_id: string; outcome: string };

async function run(db: Client, due: string, task: object = {}): Promise<Run> {
  return await queryOne<Run>(db, "select * from triaged.enqueue_scheduled('nightly', $1, $2)", [
    due,
    JSON.stringify({ task_type: "noop", ...task }),
  ]);
}

async function finishAll(db: Client): Promise<void> {
  const tasks = await claimTasks(db, await startWorker(db));
  await settle(
    db,
    tasks.map((task) => outcomeOf(task, "finish")),
  );
}

test("history names the schedule, and the task is as it says", async ({ db }) => {
  const { task_id, outcome } = await run(db, "2026-01-01T04:00Z", {
    payload: { a: 1 },
    queue: "reports",
    priority: 1,
    metadata: { schedule: "nightly" },
  });

  expect(outcome).toBe("created");
  expect(await readTask(db, task_id)).toMatchObject({
    payload: { a: 1 },
    queue: "reports",
    priority: 1,
    metadata: { schedule: "nightly" },
  });
  expect(await readHistory(db, task_id)).toMatchObject([{ actor: "schedule nightly" }]);
});

test("one time of a schedule is one task, also when that has ended", async ({ db }) => {
  const first = await run(db, "2026-01-01T04:00Z", { dedupe_key: "only-one" });
  await finishAll(db);

  const again = await run(db, "2026-01-01T04:00Z", { dedupe_key: "only-one" });

  expect(again).toEqual({ task_id: first.task_id, outcome: "duplicate" });
});

test("each time is a task, in whatever order, and the last one is remembered", async ({ db }) => {
  const second = await run(db, "2026-01-02T04:00Z");
  const first = await run(db, "2026-01-01T04:00Z");

  expect(first).toMatchObject({ outcome: "created" });
  expect(await query(db, "select * from triaged.schedule_runs")).toEqual([
    {
      schedule: "nightly",
      last_run_at: new Date("2026-01-02T04:00:00Z"),
      last_task_id: second.task_id,
      run_count: "2",
    },
  ]);
});

test("a key of the line's own keeps a second task out while the first is live", async ({ db }) => {
  const first = await run(db, "2026-01-01T04:00Z", { dedupe_key: "only-one" });

  expect(await run(db, "2026-01-02T04:00Z", { dedupe_key: "only-one" })).toEqual({
    task_id: first.task_id,
    outcome: "duplicate",
  });
});

committing("two at once for one time enqueue one task", async ({ connect }) => {
  const [one, other] = [await connect(), await connect()];
  await one.query("begin");
  const first = await run(one, "2026-01-01T04:00Z");
  const waiting = run(other, "2026-01-01T04:00Z");
  await one.query("commit");

  expect(await waiting).toEqual({ task_id: first.task_id, outcome: "duplicate" });
  expect(await query(one, "select from triaged.live_tasks")).toHaveLength(1);
});
