import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  enqueue,
  query,
  readEvents,
  readTask,
  readTasks,
  refusal,
  setClock,
} from "../support/tasks.ts";

type Answer = { position: number; task_id: string; outcome: string };

test("answers come in the order of the array, with and without a key", async ({ db }) => {
  const held = await enqueue(db, { dedupe_key: "b" });

  const answers = await call<Answer>(db, "enqueue_tasks", {
    tasks: JSON.stringify([
      { task_type: "first" },
      { task_type: "second", dedupe_key: "b" },
      { task_type: "third", dedupe_key: "a" },
      { task_type: "fourth" },
      { task_type: "fifth", dedupe_key: "a" },
    ]),
  });

  expect(answers.map(({ position, outcome }) => [position, outcome])).toEqual([
    [1, "created"],
    [2, "duplicate"],
    [3, "created"],
    [4, "created"],
    [5, "duplicate"],
  ]);
  const tasks = await readTasks(
    db,
    answers.map(({ task_id }) => task_id),
  );
  expect(tasks.map((task) => task["task_type"])).toEqual([
    "first",
    "noop",
    "third",
    "fourth",
    "third",
  ]);
  expect(answers[1]?.task_id).toBe(held);
});

test.for([{ dedupe_key: undefined }, { dedupe_key: "k" }])(
  "a batch takes every setting of enqueue_task ($dedupe_key)",
  async ({ dedupe_key }, { db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const parent = await enqueue(db);
    const task = {
      task_type: "noop",
      payload: { a: 1 },
      queue: "night",
      priority: "high",
      run_at: "2100-01-01T00:00:00.000Z",
      max_attempts: 7,
      dedupe_key,
      parent_task_id: parent,
      metadata: { trace: "x" },
    };

    const [answer] = await call<Answer>(db, "enqueue_tasks", { tasks: JSON.stringify([task]) });

    expect(await readTask(db, String(answer?.task_id))).toMatchObject({
      ...task,
      priority: 1,
      run_at: new Date(task.run_at),
      dedupe_key: dedupe_key ?? null,
      root_task_id: parent,
      created_at: new Date("2026-01-01T00:00:00Z"),
    });
    expect(await readEvents(db, String(answer?.task_id))).toEqual(["enqueue"]);
  },
);

test("a batch takes the budget that the handler declared", async ({ db }) => {
  await call(db, "register_worker", { name: "w", task_types: ["noop"], max_attempts: [9] });

  const [answer] = await call<Answer>(db, "enqueue_tasks", { tasks: '[{"task_type": "noop"}]' });

  expect(await readTask(db, String(answer?.task_id))).toMatchObject({ max_attempts: 9 });
});

test("a batch holds a key for its window", async ({ db }) => {
  const tasks = '[{"task_type": "noop", "dedupe_key": "k", "dedupe_for": "1 hour"}]';
  const [first] = await call<Answer>(db, "enqueue_tasks", { tasks });
  await db.query("select triaged.cancel_task($1)", [first?.task_id]);

  expect(await call(db, "enqueue_tasks", { tasks })).toMatchObject([
    { task_id: first?.task_id, outcome: "duplicate" },
  ]);
});

test("a batch replaces what holds the key", async ({ db }) => {
  const task = { task_type: "noop", dedupe_key: "k", dedupe_mode: "replace" };
  const [older, newer] = [1, 2].map((a) => JSON.stringify([{ ...task, payload: { a } }]));
  const [first] = await call<Answer>(db, "enqueue_tasks", { tasks: older });

  expect(await call(db, "enqueue_tasks", { tasks: newer })).toMatchObject([
    { task_id: first?.task_id, outcome: "replaced" },
  ]);
  expect(await readTask(db, String(first?.task_id))).toMatchObject({ payload: { a: 2 } });
});

test("an empty batch is enqueued", async ({ db }) => {
  expect(await call(db, "enqueue_tasks", { tasks: "[]" })).toEqual([]);
});

test.for([
  { tasks: '{"task_type": "noop"}', message: "expected tasks to be a JSON array, got object" },
  { tasks: null, message: "expected tasks to be a JSON array, got null" },
  { tasks: "[1]", message: "expected each task to be a JSON object, got number" },
  { tasks: "[null]", message: "expected each task to be a JSON object, got null" },
])("the batch $tasks is refused", async ({ tasks, message }, { db }) => {
  const refused = await refusal(db, () => call(db, "enqueue_tasks", { tasks }));

  expect(refused).toMatchObject({ code: "22023", message });
});

test("a misspelt key is refused, and the known ones are named", async ({ db }) => {
  const tasks = '[{"task_type": "noop"}, {"task_type": "noop", "runAt": "2100-01-01"}]';

  const refused = await refusal(db, () => call(db, "enqueue_tasks", { tasks }));

  expect(refused).toMatchObject({
    code: "22023",
    message: "unknown key runAt in a task",
    hint: expect.stringContaining("task_type, payload, queue, priority, run_at"),
  });
  expect(await query(db, "select from triaged.tasks")).toEqual([]);
});

test("ten thousand tasks are one call", async ({ db }) => {
  const tasks = JSON.stringify(Array.from({ length: 10_000 }, () => ({ task_type: "noop" })));

  const answers = await call<Answer>(db, "enqueue_tasks", { tasks });

  expect(new Set(answers.map(({ task_id }) => task_id)).size).toBe(10_000);
  expect(
    await query(db, "select count(distinct task_id)::integer from triaged.task_history"),
  ).toEqual([{ count: 10_000 }]);
});
