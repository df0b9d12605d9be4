import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { call, enqueue, query } from "../support/tasks.ts";

const KEY = { task_type: "noop", dedupe_key: "k" };

test("of two enqueues of one key, the second waits and is a duplicate", async ({ connect }) => {
  const [first, second, observer] = [await connect(), await connect(), await connect()];
  await first.query("begin");
  const taskId = await enqueue(first, KEY);

  const waiting = call(second, "enqueue_task", KEY);
  await waitUntilBlocked(observer, second);
  await first.query("commit");

  expect(await waiting).toEqual([{ task_id: taskId, outcome: "duplicate" }]);
  expect(await query(second, "select task_id from triaged.live_tasks")).toEqual([
    { task_id: taskId },
  ]);
});

test("an enqueue that waited for one that rolled back gets the key", async ({ connect }) => {
  const [first, second, observer] = [await connect(), await connect(), await connect()];
  await first.query("begin");
  await enqueue(first, KEY);

  const waiting = call(second, "enqueue_task", KEY);
  await waitUntilBlocked(observer, second);
  await first.query("rollback");

  const [answer] = await waiting;
  expect(answer).toMatchObject({ outcome: "created" });
  expect(await query(second, "select task_id from triaged.live_tasks")).toEqual([
    { task_id: answer?.["task_id"] },
  ]);
});

test("of two enqueues that take a free key over, one is a duplicate", async ({ connect }) => {
  const [first, second, observer] = [await connect(), await connect(), await connect()];
  await first.query("select triaged.cancel_task($1)", [await enqueue(first, KEY)]);
  await first.query("begin");
  const taskId = await enqueue(first, KEY);

  const waiting = call(second, "enqueue_task", KEY);
  await waitUntilBlocked(observer, second);
  await first.query("commit");

  expect(await waiting).toEqual([{ task_id: taskId, outcome: "duplicate" }]);
});

test("an enqueue that waited for the sweep of its key takes it anew", async ({ connect }) => {
  const [sweeper, second, observer] = [await connect(), await connect(), await connect()];
  await second.query("select triaged.cancel_task($1)", [await enqueue(second, KEY)]);
  await sweeper.query("begin");
  expect(await call(sweeper, "expire_rows")).toMatchObject([{ dedupe_keys: 1 }]);

  const waiting = call(second, "enqueue_task", KEY);
  await waitUntilBlocked(observer, second);
  await sweeper.query("commit");

  const [answer] = await waiting;
  expect(answer).toMatchObject({ outcome: "created" });
  expect(await query(second, "select task_id from triaged.dedupe_keys")).toEqual([
    { task_id: answer?.["task_id"] },
  ]);
});

test("the sweep leaves a key that is being taken over", async ({ connect }) => {
  const [first, sweeper] = [await connect(), await connect()];
  await first.query("select triaged.cancel_task($1)", [await enqueue(first, KEY)]);
  await first.query("begin");
  const taskId = await enqueue(first, KEY);

  expect(await call(sweeper, "expire_rows")).toMatchObject([{ dedupe_keys: 0 }]);

  await first.query("commit");
  expect(await query(sweeper, "select task_id from triaged.dedupe_keys")).toEqual([
    { task_id: taskId },
  ]);
});

function batchOf(keys: string[]): string {
  return JSON.stringify(keys.map((dedupe_key) => ({ task_type: "noop", dedupe_key })));
}

test("two batches with the same keys in another order do not deadlock", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
  for (let round = 0; round < 10; round += 1) {
    const order = keys.map((key) => `${round}/${key}`);
    await Promise.all([
      call(first, "enqueue_tasks", { tasks: batchOf(order) }),
      call(second, "enqueue_tasks", { tasks: batchOf(order.toReversed()) }),
    ]);
  }

  expect(await query(first, "select count(*)::integer from triaged.live_tasks")).toEqual([
    { count: 500 },
  ]);
});

test("a queued task that is being claimed is not replaced", async ({ connect }) => {
  const [worker, producer, observer] = [await connect(), await connect(), await connect()];
  const started = await enqueue(worker, { ...KEY, payload: { n: 1 } });
  await worker.query("begin");
  await worker.query(`select triaged.claim_tasks(triaged.register_worker('w', '{noop}'), 1)`);

  const waiting = call(producer, "enqueue_task", {
    ...KEY,
    dedupe_mode: "replace",
    payload: { n: 2 },
  });
  await waitUntilBlocked(observer, producer);
  await worker.query("commit");

  expect(await waiting).toMatchObject([{ outcome: "created" }]);
  expect(
    await query(producer, "select task_id, status from triaged.tasks where payload ->> 'n' = '1'"),
  ).toEqual([{ task_id: started, status: "started" }]);
});
