// Goal: an operation acts once on each task that matches and was there before it, in bounded
// batches, whatever is interrupted; its progress adds up, and each history names it.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import {
  abortOperation,
  advanceOperation,
  getOperation,
  type OperationFilter,
  type OperationWork,
  previewOperation,
  startOperation,
} from "../../src/database/operations.ts";
import { found, test } from "../support/connections.ts";
import { watchPlans } from "../support/plans.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readEvents,
  readTask,
  refusal,
  setClock,
  settle,
  startWorker,
} from "../support/tasks.ts";

const RETRY = { action: "retry" } as const;

async function start(
  db: Client,
  work: OperationWork,
  filter: OperationFilter = {},
  requestKey?: string,
) {
  await db.query(
    "select set_config('triaged.reason', 'broken release', true), set_config('triaged.actor', 'ann', true)",
  );
  return await startOperation(inSchema(db), { ...work, filter, requestKey });
}

/** Do all batches of some tasks each; resolves to how many there were. */
async function run(db: Client, operationId: string, rows = 500): Promise<number> {
  for (let batches = 1; ; batches += 1) {
    const { status } = await queryOne<{ status: string }>(
      db,
      "select triaged.advance_operation($1, $2) as status",
      [operationId, rows],
    );
    if (status !== "running") {
      return batches;
    }
  }
}

/** Tasks that failed, a minute before now. */
async function failSome(
  db: Client,
  count: number,
  { detail, error = "no", ...given }: Record<string, unknown> = {},
): Promise<string[]> {
  await setClock(db, "2031-05-05T12:00:00Z");
  const wanted = { task_type: "noop", max_attempts: 1, ...given };
  await call(db, "enqueue_tasks", {
    tasks: JSON.stringify(Array.from({ length: count }, () => wanted)),
  });
  const worker = await startWorker(db, {
    queues: [given["queue"] ?? "default"],
    task_types: [given["task_type"] ?? "noop"],
    name: "one",
  });
  const tasks = await claimTasks(db, worker, { max_tasks: count });
  await settle(
    db,
    tasks.map((task) => outcomeOf(task, "fail", { error, detail })),
  );
  await setClock(db, "2031-05-05T12:01:00Z");
  return tasks.map(({ task_id }) => task_id).toSorted((one, other) => Number(one) - Number(other));
}

async function statusesOf(db: Client, taskIds: readonly string[]) {
  return await Promise.all(taskIds.map(async (id) => (await readTask(db, id)).status));
}

test("all failed tasks are retried, each once, and its history names the operation", async ({
  db,
}) => {
  const failed = await failSome(db, 7);
  const waiting = await enqueue(db);

  const id = await start(db, RETRY);

  expect(await run(db, id, 3)).toBe(3);
  expect(await statusesOf(db, failed)).toEqual(failed.map(() => "queued"));
  expect(await getOperation(inSchema(db), id)).toMatchObject({
    action: "retry",
    actor: "ann",
    reason: "broken release",
    expected: 7,
    is_estimate: false,
    status: "done",
    matched: 7,
    done: 7,
    skipped: 0,
    failed: 0,
  });
  const told = await query(
    db,
    `select actor, detail from triaged.task_history where event = 'retry' and task_id = any ($1)`,
    [failed],
  );
  expect(told).toEqual(failed.map(() => ({ actor: "ann", detail: { operation_id: Number(id) } })));
  expect(await readEvents(db, waiting)).toEqual(["enqueue"]);
});

const FILTERS: readonly {
  name: string;
  filter: OperationFilter;
  other: Record<string, unknown>;
}[] = [
  { name: "type", filter: { taskType: "noop" }, other: { task_type: "other" } },
  { name: "queue", filter: { queue: "default" }, other: { queue: "night" } },
  {
    name: "repository",
    filter: { repo: "o/a" },
    other: { payload: { source_repo: "o/c", target_repo: "o/d" } },
  },
  { name: "context", filter: { contextId: "c1" }, other: { metadata: { context_id: "c2" } } },
  { name: "payload", filter: { payload: { region: "eu" } }, other: { payload: { region: "us" } } },
  { name: "error text", filter: { error: "REFUSED" }, other: { error: "timed out" } },
  { name: "error shape", filter: { errorShape: "refused by #.#.#.#:#" }, other: {} },
  { name: "cause", filter: { cause: "timeout" }, other: { detail: { class: "other" } } },
  { name: "worker", filter: { worker: "one" }, other: { worker: "two" } },
];

test.for(FILTERS)(
  "a filter by $name leaves other tasks alone",
  async ({ filter, other }, { db }) => {
    const given = {
      payload: { region: "eu", source_repo: "o/a", target_repo: "o/b" },
      metadata: { context_id: "c1" },
      error: "refused by 10.0.0.1:443",
      detail: { class: "timeout" },
    };
    const { worker, ...task } = other;
    const matching = await failSome(db, 2, given);
    const others = await failSome(db, 1, { ...given, error: "refused by 10:9", ...task });
    if (worker !== undefined) {
      await db.query(
        "update triaged.workers set name = 'two' where worker_id = (select max(worker_id) from triaged.workers)",
      );
    }
    const isAll = matching.length + others.length;

    expect(await previewOperation(inSchema(db), "retry", filter)).toEqual({
      count: 2,
      isEstimate: false,
    });
    await run(db, await start(db, RETRY, filter));

    expect(isAll).toBe(3);
    expect(await statusesOf(db, matching)).toEqual(["queued", "queued"]);
    expect(await statusesOf(db, others)).toEqual(["failed"]);
  },
);

test("a filter by times takes the first moment, and not the last", async ({ db }) => {
  const [id = ""] = await failSome(db, 1);
  const at = new Date("2031-05-05T12:00:00Z");
  const later = new Date(at.getTime() + 1);
  const count = async (filter: OperationFilter) =>
    (await previewOperation(inSchema(db), "retry", filter)).count;

  expect(await count({ createdSince: at, endedSince: at })).toBe(1);
  expect(await count({ createdSince: later })).toBe(0);
  expect(await count({ endedSince: later })).toBe(0);
  expect(await count({ createdBefore: at })).toBe(0);
  expect(await count({ endedBefore: at })).toBe(0);
  expect(await count({ createdBefore: later, endedBefore: later })).toBe(1);
  expect(await statusesOf(db, [id])).toEqual(["failed"]);
});

test("a task that was created after the operation began is left alone", async ({ db }) => {
  await failSome(db, 1);
  const id = await start(db, { action: "cancel" });
  await setClock(db, "2031-05-05T12:02:00Z");
  const later = await enqueue(db);

  await run(db, id);

  expect(await statusesOf(db, [later])).toEqual(["queued"]);
});

test("a task that fails again while its operation runs is not retried twice", async ({ db }) => {
  const [first = ""] = await failSome(db, 3);
  const id = await start(db, RETRY);
  await db.query("select triaged.advance_operation($1, 1)", [id]);
  const worker = await startWorker(db);
  const task = found((await claimTasks(db, worker, { max_tasks: 1 }))[0]);
  expect(task.task_id).toBe(first);
  await settle(db, [outcomeOf(task, "fail", { error: "again" })]);

  await run(db, id, 1);

  expect(await statusesOf(db, [first])).toEqual(["failed"]);
  expect(await getOperation(inSchema(db), id)).toMatchObject({ done: 3, matched: 3 });
});

test("an aborted operation keeps what it did and does no more", async ({ db }) => {
  const failed = await failSome(db, 5);
  const id = await start(db, RETRY);
  await db.query("select triaged.advance_operation($1, 2)", [id]);

  expect(await abortOperation(inSchema(db), id)).toBe(true);
  expect(await abortOperation(inSchema(db), id)).toBe(false);

  expect(await advanceOperation(inSchema(db), id)).toBe("aborted");
  expect((await statusesOf(db, failed)).toSorted()).toEqual([
    "failed",
    "failed",
    "failed",
    "queued",
    "queued",
  ]);
  expect(
    await query(
      db,
      "select action, target from triaged.operations order by operation_id desc limit 1",
    ),
  ).toEqual([{ action: "abort", target: { operation_id: Number(id) } }]);
});

test("a cancel ends what waits and asks workers to stop what runs", async ({ db }) => {
  await setClock(db, "2031-05-05T12:00:00Z");
  const running = await enqueue(db);
  await claimTasks(db, await startWorker(db));
  const waiting = await enqueue(db);
  await setClock(db, "2031-05-05T12:01:00Z");

  const id = await start(db, { action: "cancel" });
  await run(db, id);

  expect(await statusesOf(db, [waiting, running])).toEqual(["cancelled", "started"]);
  expect((await readTask(db, running))["cancel_requested_at"]).not.toBeNull();
  const told = await query(
    db,
    "select task_id, detail from triaged.task_history where event = 'cancel' order by task_id",
  );
  expect(told).toEqual(
    [running, waiting].map((task_id) => ({ task_id, detail: { operation_id: Number(id) } })),
  );
});

test("priority and time of all that wait are changed, with an event of each", async ({ db }) => {
  await setClock(db, "2031-05-05T12:00:00Z");
  const plain = await enqueue(db, { run_at: "2031-06-01T00:00:00Z" });
  const first = await enqueue(db, { priority: 0, run_at: "2031-06-01T00:00:00Z" });
  await setClock(db, "2031-05-05T12:01:00Z");

  const priority = await start(db, { action: "change_priority", priority: 0 });
  await run(db, priority);
  await run(db, await start(db, { action: "change_run_at", runAt: null }));

  for (const id of [plain, first]) {
    expect(await readTask(db, id)).toMatchObject({
      priority: 0,
      run_at: new Date("2031-05-05T12:01:00Z"),
    });
  }
  expect(await readEvents(db, plain)).toEqual(["enqueue", "change", "change"]);
  expect(await readEvents(db, first)).toEqual(["enqueue", "change"]);
  expect(await getOperation(inSchema(db), priority)).toMatchObject({ done: 1, skipped: 1 });
});

test("a task whose dedupe key another one holds by now is skipped", async ({ db }) => {
  const [old = ""] = await failSome(db, 1, { dedupe_key: "k" });
  const [free = ""] = await failSome(db, 1, { dedupe_key: "free" });
  await enqueue(db, { dedupe_key: "k" });

  const id = await start(db, RETRY);
  await run(db, id);

  expect(await statusesOf(db, [old, free])).toEqual(["failed", "queued"]);
  expect(await getOperation(inSchema(db), id)).toMatchObject({ matched: 2, done: 1, skipped: 1 });
});

test("a request that is sent again begins nothing again", async ({ db }) => {
  await failSome(db, 1);

  const id = await start(db, RETRY, {}, "request-1");

  expect(await start(db, RETRY, {}, "request-1")).toBe(id);
  expect(await start(db, RETRY, {}, "request-2")).not.toBe(id);
});

test("without a reason nothing begins", async ({ db }) => {
  const { code, message } = await refusal(db, () =>
    startOperation(inSchema(db), { ...RETRY, filter: {} }),
  );

  expect({ code, message }).toMatchObject({
    code: "22023",
    message: expect.stringContaining("reason"),
  });
});

test.for([
  { action: "retry", filter: '{"status": "queued"}', code: "TR002" },
  { action: "cancel", filter: '{"status": "finished"}', code: "TR002" },
  { action: "retry", filter: '{"status": "lost"}', code: "22023" },
  { action: "retry", filter: '{"queues": "a"}', code: "22023" },
  { action: "retry", filter: '{"queue": 1}', code: "22023" },
  { action: "retry", filter: '{"parent_task_id": "x"}', code: "22023" },
  { action: "retry", filter: '{"payload": []}', code: "22023" },
  { action: "retry", filter: '{"created_since": "today"}', code: "22023" },
  { action: "retry", filter: '{"created_since": "2031-02-31T00:00:00Z"}', code: "22023" },
  { action: "retry", filter: "[]", code: "22023" },
  { action: "finish", filter: "{}", code: "22023" },
] as const)(
  "$action of $filter is refused with $code",
  async ({ action, filter, code }, { db }) => {
    const refused = await refusal(db, () =>
      db.query("select triaged.preview_operation($1, $2)", [action, filter]),
    );

    expect(refused.code).toBe(code);
  },
);

/** As in advance_operation: what one batch looks at, and what it acts on. */
const LOOKED_MAX = 5_000;
const BATCH_MAX = 500;

test("thousands of failed tasks of one cause are retried by a few batches", async ({ db }) => {
  const failed = await failSome(db, LOOKED_MAX, { detail: { class: "timeout" } });
  const others = await failSome(db, 20, { detail: { class: "other" } });

  // One batch looks at so many and no more, also where none of them matches.
  const rare = await start(db, RETRY, { cause: "other" });
  expect(await advanceOperation(inSchema(db), rare)).toBe("running");
  expect(await getOperation(inSchema(db), rare)).toMatchObject({ matched: 0 });
  expect(await advanceOperation(inSchema(db), rare)).toBe("done");
  expect(await getOperation(inSchema(db), rare)).toMatchObject({ done: others.length });

  const id = await start(db, RETRY, { cause: "timeout" });
  const batches = await run(db, id);

  expect(batches).toBeLessThanOrEqual(LOOKED_MAX / BATCH_MAX + 1);
  expect(await getOperation(inSchema(db), id)).toMatchObject({ done: failed.length });
});

test("a batch of an operation reads as many failed tasks as it looks at", async ({ db }) => {
  await db.query(
    `insert into triaged.final_tasks (
       task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
       max_attempts, rescue_count, metadata, created_at, ended_at
     )
     select -n, 'noop', 'default', '{}', 2, case when n % 9 = 0 then 'failed' else 'finished' end,
       now(), 0, 0, 3, 0, '{}', now() - n * interval '1 second', now()
     from generate_series(1, 20000) as n`,
  );
  await db.query("analyze triaged.final_tasks");

  const nodes = await watchPlans(db, () =>
    db.query(`select from triaged.candidates('retry', '{}', 'failed', '-infinity', 0, now(), 100)`),
  );

  const read = nodes.filter(({ relation = "" }) => relation.startsWith("final_tasks"));
  expect(read.reduce((sum, { rowsRead }) => sum + rowsRead, 0)).toBeLessThan(200);
});
