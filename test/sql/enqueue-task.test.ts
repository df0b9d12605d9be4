import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  currentRole,
  enqueue,
  readHistory,
  readTask,
  readTasks,
  setClock,
  startWorker,
} from "../support/tasks.ts";

test("a task without settings has the defaults, and is due at once", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00.123Z");

  const taskId = await enqueue(db, { task_type: "unheard_of" });

  const now = new Date("2026-01-01T00:00:00.123Z");
  expect(await readTask(db, taskId)).toMatchObject({
    task_type: "unheard_of",
    queue: "default",
    payload: {},
    priority: 2,
    status: "queued",
    run_at: now,
    created_at: now,
    attempt_count: 0,
    failure_count: 0,
    max_attempts: 3,
    worker_id: null,
    dedupe_key: null,
    parent_task_id: null,
    root_task_id: null,
    metadata: {},
  });
  expect(await readHistory(db, taskId)).toMatchObject([
    { event: "enqueue", status: "queued", at: now, actor: await currentRole(db), worker_id: null },
  ]);
});

test("a task keeps what its caller says", async ({ db }) => {
  const given = {
    payload: { a: [1, "é"] },
    queue: "night",
    priority: 0,
    run_at: new Date("2100-01-01T00:00:00Z"),
    max_attempts: 7,
    dedupe_key: "k",
    metadata: { trace: "00-1-2-01" },
  };

  expect(await readTask(db, await enqueue(db, given))).toMatchObject(given);
});

test("max_attempts is what the newest worker's handler declared", async ({ db }) => {
  await startWorker(db, { task_types: ["noop"], max_attempts: [5] });
  await startWorker(db, { task_types: ["noop"], max_attempts: [8] });

  const taskIds = [await enqueue(db), await enqueue(db, { max_attempts: 2 })];

  const tasks = await readTasks(db, taskIds);
  expect(tasks.map((task) => task["max_attempts"])).toEqual([8, 2]);
});

test.for([
  ["critical", 0],
  ["high", 1],
  ["medium", 2],
  ["low", 3],
  ["0", 0],
  [3, 3],
  [null, 2],
] as const)("priority %s is %s", async ([priority, stored], { db }) => {
  const taskId = await enqueue(db, { priority });

  expect(await readTask(db, taskId)).toMatchObject({ priority: stored });
});

test.for(["0", "'0'", "'critical'", "0::smallint", "0::bigint"])(
  "SQL may write the highest priority as %s",
  async (literal, { db }) => {
    const { rows } = await db.query(
      `select task_id from triaged.enqueue_task('noop', priority => ${literal})`,
    );

    expect(await readTask(db, rows[0].task_id)).toMatchObject({ priority: 0 });
  },
);

test("two plain arguments are enough", async ({ db }) => {
  const { rows } = await db.query(`select * from triaged.enqueue_task('noop', '{"a": 1}')`);

  expect(rows).toEqual([{ task_id: expect.any(String), outcome: "created" }]);
});

test("a child knows its parent and its oldest ancestor, also once they ended", async ({ db }) => {
  const root = await enqueue(db);
  await db.query("select triaged.cancel_task($1)", [root]);
  const parent = await enqueue(db, { parent_task_id: root });

  const child = await enqueue(db, { parent_task_id: parent });

  expect(await readTask(db, parent)).toMatchObject({ parent_task_id: root, root_task_id: root });
  expect(await readTask(db, child)).toMatchObject({ parent_task_id: parent, root_task_id: root });
});

test("a task is gone with the transaction that enqueued it", async ({ db }) => {
  await db.query("savepoint caller");
  const taskId = await enqueue(db);

  await db.query("rollback to savepoint caller");

  expect(await call(db, "why", { task_id: taskId })).toMatchObject([
    { reason: `there is no task ${taskId}` },
  ]);
  expect(await readHistory(db, taskId)).toEqual([]);
});
