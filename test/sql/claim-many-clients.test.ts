// Goal: however many clients claim, each task is claimed once.
// Method: sixteen connections drain 2,000 tasks at once, then history is counted, which the
// database wrote and not the clients.

import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import {
  claimLane,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  settle,
  startWorker,
} from "../support/tasks.ts";

const CLIENTS = 16;
const TASKS = 2_000;

async function drain(client: Client): Promise<number> {
  const workerId = await startWorker(client);
  for (let count = 0; ; ) {
    const claimed = await claimTasks(client, workerId, { max_tasks: 25 });
    if (claimed.length === 0) {
      return count;
    }
    const settled = await settle(
      client,
      claimed.map((task) => outcomeOf(task, "finish")),
    );
    expect(settled).toHaveLength(claimed.length);
    count += claimed.length;
  }
}

test("sixteen clients claim two thousand tasks, none of them twice", async ({ connect }) => {
  const clients = [];
  for (let client = 0; client < CLIENTS; client += 1) {
    clients.push(await connect());
  }
  const [observer] = clients;
  await observer?.query(
    `select triaged.enqueue_task('noop', priority => each % 4) from generate_series(1, $1) as each`,
    [TASKS],
  );

  const counts = await Promise.all(clients.map((client) => drain(client)));

  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(TASKS);
  const events = await query(
    await connect(),
    `select event, count(*)::integer, count(distinct task_id)::integer as tasks
     from triaged.task_history group by event order by event`,
  );
  expect(events).toEqual(
    ["claim", "enqueue", "finish"].map((event) => ({ event, count: TASKS, tasks: TASKS })),
  );
});

test("a claim locks no task that it does not take", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  for (const priority of [0, 0, 1, 2, 3]) {
    await enqueue(first, { priority });
  }
  const workerIds = [await startWorker(first), await startWorker(second)];
  await first.query("begin");
  await claimTasks(first, String(workerIds[0]), { max_tasks: 2 });

  const claimed = await claimTasks(second, String(workerIds[1]));

  expect(claimed.map((task) => String(task["priority"])).toSorted()).toEqual(["1", "2", "3"]);
  await first.query("commit");
});

test("a claim of a lane passes over what another claim has locked", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  await enqueue(first);
  await enqueue(first);
  const workerIds = [await startWorker(first), await startWorker(second)];
  await first.query("begin");
  const taken = await claimLane(first, String(workerIds[0]), { max_tasks: 1 });

  const others = await claimLane(second, String(workerIds[1]));

  expect(others).toHaveLength(1);
  expect(others.map(({ task_id }) => task_id)).not.toEqual(taken.map(({ task_id }) => task_id));
  await first.query("commit");
});

test("a worker that ends waits for its claim, and gives that back", async ({ connect }) => {
  const [worker, ender, observer] = [await connect(), await connect(), await connect()];
  await enqueue(worker);
  const workerId = await startWorker(worker);
  await worker.query("begin");
  await claimTasks(worker, workerId);

  const ending = ender.query("select triaged.end_worker($1)", [workerId]);
  await waitUntilBlocked(observer, ender);
  await worker.query("commit");
  await ending;

  expect(await query(observer, "select status, worker_id from triaged.tasks")).toEqual([
    { status: "queued", worker_id: null },
  ]);
});

test("a worker that is ending claims nothing more", async ({ connect }) => {
  const [worker, ender, observer] = [await connect(), await connect(), await connect()];
  await enqueue(worker);
  const workerId = await startWorker(worker);
  await ender.query("begin");
  await ender.query("select triaged.end_worker($1)", [workerId]);

  const claiming = claimTasks(worker, workerId);
  await waitUntilBlocked(observer, worker);
  await ender.query("commit");

  expect(await claiming).toEqual([]);
});
