// Goal: enqueues of one caller that come together share a transaction, and each is answered as it
// would be alone.

import type { Pool } from "pg";
import { pino } from "pino";
import { expect, onTestFinished } from "vitest";
import {
  BATCH_LIMITS,
  type BatchLimits,
  EnqueueBatches,
} from "../../src/gateway/enqueue-batches.ts";
import type { Caller } from "../../src/gateway/keys.ts";
import { QueueDoor } from "../../src/gateway/queue-door.ts";
import { test, waitFor } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";

const CALLER: Caller = { name: "shop", role: "enqueue", requestsPerMinute: null };
const OTHER: Caller = { ...CALLER, name: "bank" };

const task = (
  n: number,
  more: { dedupeKey?: string; parentTaskId?: string; payload?: string } = {},
) => ({
  taskType: "noop",
  payload: JSON.stringify({ n }),
  ...more,
});

function sized(n: number, bytes: number) {
  return task(n, { payload: JSON.stringify({ text: "x".repeat(bytes) }) });
}

function open(url: string, limits: Partial<BatchLimits> = {}) {
  const pool: Pool = poolOf(url);
  onTestFinished(() => pool.end());
  const logger = pino({ level: "silent" });
  const door = new QueueDoor({ pool, schema: "triaged", maxPayloadBytes: 1_048_576, logger });
  const batches = new EnqueueBatches({
    write: (caller, work, options) => door.write(caller, work, options),
    limits: { ...BATCH_LIMITS, ...limits },
  });
  const transactions = async () => {
    const { rows } = await pool.query<{ count: number }>(
      "select count(*)::integer from triaged.live_tasks group by xmin order by min(task_id)",
    );
    return rows.map(({ count }) => count);
  };
  return { pool, door, batches, transactions };
}

test("enqueues that come while one is on its way share the next transaction, in their order", async ({
  url,
  client,
}) => {
  const { door, transactions } = open(url);

  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => door.enqueue(CALLER, task(n))),
  );

  const { rows } = await client.query<{ task_id: string; n: number }>(
    "select task_id::text, (payload ->> 'n')::integer as n from triaged.live_tasks order by live_tasks.task_id",
  );
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(answers).toEqual(rows.map(({ task_id: taskId }) => ({ taskId, outcome: "created" })));
  expect(await transactions()).toEqual([1, 19]);
});

test("a task that cannot be fails alone, with its own error", async ({ url }) => {
  const { door } = open(url);

  const ends = await Promise.allSettled([
    door.enqueue(CALLER, task(0)),
    door.enqueue(CALLER, task(1)),
    door.enqueue(CALLER, task(2, { parentTaskId: "999999" })),
    door.enqueue(CALLER, task(3)),
  ]);

  expect(ends.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(ends[2]).toMatchObject({
    reason: { code: "TR001", message: expect.stringContaining("999999") },
  });
});

test("the same key twice in one transaction is one task", async ({ url }) => {
  const { door } = open(url);

  const [, created, duplicate] = await Promise.all([
    door.enqueue(CALLER, task(0, { dedupeKey: "first" })),
    door.enqueue(CALLER, task(1, { dedupeKey: "order-1" })),
    door.enqueue(CALLER, task(2, { dedupeKey: "order-1" })),
  ]);

  expect(created?.outcome).toBe("created");
  expect(duplicate).toEqual({ taskId: created?.taskId, outcome: "duplicate" });
});

test("history names each caller, whoever comes at the same time", async ({ url, client }) => {
  const { door } = open(url);

  const of = (caller: Caller) => Array.from({ length: 5 }, (_, n) => door.enqueue(caller, task(n)));
  await Promise.all([...of(CALLER), ...of(OTHER)]);

  const { rows } = await client.query(
    "select actor, count(*)::integer from triaged.task_history group by actor order by actor",
  );
  expect(rows).toEqual([
    { actor: "bank", count: 5 },
    { actor: "shop", count: 5 },
  ]);
});

test("a key that somebody else is taking holds up no other task", async ({ url, client }) => {
  const { door, pool } = open(url);
  await client.query("begin");
  await client.query("select triaged.enqueue_task('noop', dedupe_key => 'held')");

  const ends: string[] = [];
  const sent = ["first", "held", "free"].map(async (dedupeKey, n) => {
    const { outcome } = await door.enqueue(CALLER, task(n, { dedupeKey }));
    ends.push(`${dedupeKey} ${outcome}`);
  });
  await waitFor(() => ends.length === 2);
  // What comes later does not queue behind it either.
  await door.enqueue(CALLER, task(3, { dedupeKey: "later" }));
  expect(ends).toEqual(["first created", "free created"]);

  await client.query("rollback");
  await Promise.all(sent);
  expect(ends.at(-1)).toBe("held created");
  expect(pool.waitingCount).toBe(0);
});

test("a key that somebody else is taking holds up no task without a key, however long", async ({
  url,
  client,
}) => {
  const { door } = open(url, { lockMs: 60_000 });
  await client.query("begin");
  await client.query("select triaged.enqueue_task('noop', dedupe_key => 'held')");

  const keyed = ["first", "held", "also"].map((dedupeKey, n) =>
    door.enqueue(CALLER, task(n, { dedupeKey })),
  );
  await keyed[0];
  const { outcome } = await door.enqueue(CALLER, task(3));
  expect(outcome).toBe("created");

  await client.query("rollback");
  await Promise.all(keyed);
});

test("nothing is tried again, or acknowledged, where the transaction may have been made", async ({
  url,
}) => {
  const { door } = open(url);
  let writes = 0;
  const batches = new EnqueueBatches({
    write: async (caller, work, options) => {
      writes += 1;
      const answer = await door.write(caller, work, options);
      throw Object.assign(new Error(`connection terminated: ${typeof answer}`), {
        code: "ECONNRESET",
      });
    },
  });

  const ends = await Promise.allSettled([0, 1, 2].map((n) => batches.enqueue(CALLER, task(n))));

  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(writes).toBe(2);
});

test("a transaction ends at its limits of tasks and bytes", async ({ url }) => {
  const { batches, transactions } = open(url, { tasksMax: 2, bytesMax: 200 });

  await Promise.all(
    [10, 10, 10, 110, 110].map((bytes, n) => batches.enqueue(CALLER, sized(n, bytes))),
  );

  expect(await transactions()).toEqual([1, 2, 1, 1]);
});

test("a large task waits for no other, and no other for it", async ({ url }) => {
  const { batches, transactions } = open(url, { taskBytesMax: 150 });

  await Promise.all([10, 10, 10, 200].map((bytes, n) => batches.enqueue(CALLER, sized(n, bytes))));

  expect((await transactions()).toSorted((a, b) => a - b)).toEqual([1, 1, 2]);
});
