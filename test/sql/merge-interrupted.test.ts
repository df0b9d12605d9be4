// Goal: what happens between two steps of a merge is neither lost nor written twice.
// Method: begin a merge, do it, and go on.
import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import {
  failTask,
  makeDays,
  rowsOf,
  setTime,
  step,
  steps,
  violationsOf,
} from "../support/partitions.ts";
import { call, enqueue, query } from "../support/tasks.ts";

test("a task that is retried while its partition is copied is not there twice", async ({
  connect,
}) => {
  const client = await connect();
  await setTime(client, "2025-03-10T12:00:00Z");
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-10", "2025-03-20");
  }
  const retried = await failTask(client, "2025-03-11T12:00:00Z");
  const left = await failTask(client, "2025-03-13T12:00:00Z");
  await setTime(client, "2025-03-20T12:00:00Z");
  const kept = { task_days: 90, history_days: 90 };
  expect((await step(client, kept))?.partitions).toEqual(["final_tasks_20250310_20250316"]);
  expect((await step(client, kept))?.step).toBe("copied");

  await call(client, "retry_task", { task_id: retried });
  await steps(client, kept);

  expect(await query(client, "select task_id, status from triaged.tasks order by task_id")).toEqual(
    [
      { task_id: retried, status: "queued" },
      { task_id: left, status: "failed" },
    ],
  );
  expect(await violationsOf(client)).toEqual([]);
});

test("a row that is written late, while its day is copied, is kept", async ({ connect }) => {
  const [client, late] = [await connect(), await connect()];
  await setTime(client, "2025-04-04T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-03", "2025-04-04");
  const kept = { task_days: 7, history_days: 90 };
  await steps(client, kept, "copied");

  await setTime(late, "2025-03-03T12:00:00Z");
  const taskId = await enqueue(late);
  await steps(client, kept);

  expect(
    await query(
      client,
      `select task_id, relname::text as partition
       from triaged.task_history as held join pg_class on pg_class.oid = held.tableoid`,
    ),
  ).toEqual([{ task_id: taskId, partition: "task_history_20250303_20250309" }]);
});

test("the partition that a merge is making is made by nobody else", async ({ connect }) => {
  const client = await connect();
  await failTask(client, "2025-03-08T12:00:00Z");
  await setTime(client, "2025-03-12T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-12", "2025-03-12");
  const kept = { task_days: 7, history_days: 90 };
  await steps(client, kept, "copied");

  expect(
    await query(client, "select triaged.create_partition('task_history', '2025-03-08') as made"),
  ).toEqual([{ made: false }]);
  expect((await step(client, kept))?.partitions).toEqual(["task_history_20250308"]);
});

test("rows that leave the default partition while it is copied are there once", async ({
  connect,
}) => {
  const client = await connect();
  await failTask(client, "2025-03-08T12:00:00Z");
  await setTime(client, "2025-03-12T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-12", "2025-03-12");
  // Far ahead, by the clock of then: it stays in the default partition.
  await failTask(client, "2025-03-20T12:00:00Z");
  await setTime(client, "2025-03-12T12:00:00Z");
  const before = await rowsOf(client, "task_history");
  const kept = { task_days: 7, history_days: 90 };
  await steps(client, kept, "copied");

  await makeDays(client, "task_history", "2025-03-20", "2025-03-20");

  expect((await step(client, kept))?.step).toBe("swapped");
  expect(await rowsOf(client, "task_history")).toEqual(before);
});

test("two callers at once take turns, and copy nothing twice", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  for (const client of [first, second]) {
    await setTime(client, "2025-03-12T12:00:00Z");
  }
  await makeDays(first, "task_history", "2025-03-03", "2025-03-12");
  await failTask(first, "2025-03-08T12:00:00Z");
  await setTime(first, "2025-03-12T12:00:00Z");
  const kept = { task_days: 7, history_days: 90 };
  await steps(first, kept, "began");

  await first.query("begin");
  await step(first, kept);
  const next = step(second, kept);
  await waitUntilBlocked(first, second);
  await first.query("commit");

  expect((await next)?.step).toBe("swapped");
  expect(await query(first, "select from triaged.task_history")).toHaveLength(3);
});

test("a reader of the table makes the swap wait, and not for long", async ({ connect }) => {
  const [client, reader] = [await connect(), await connect()];
  await setTime(client, "2025-03-12T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-08", "2025-03-12");
  const kept = { task_days: 7, history_days: 90 };
  await steps(client, kept, "copied");
  await reader.query("begin");
  await reader.query("select from triaged.task_history");

  await expect(step(client, kept)).rejects.toMatchObject({ code: "55P03" });

  await reader.query("commit");
  expect((await step(client, kept))?.step).toBe("swapped");
});

test("a snapshot that is older than the copies is waited for", async ({ connect }) => {
  const [client, reader] = [await connect(), await connect()];
  await setTime(client, "2025-03-12T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-08", "2025-03-12");
  await failTask(client, "2025-03-08T12:00:00Z");
  await setTime(client, "2025-03-12T12:00:00Z");
  const kept = { task_days: 7, history_days: 90 };
  await reader.query("begin isolation level repeatable read");
  await reader.query("select from triaged.queues");
  await steps(client, kept, "copied");

  expect((await step(client, kept))?.step).toBe("waits");
  expect(await query(reader, "select from triaged.task_history")).toHaveLength(3);

  await reader.query("commit");
  expect((await step(client, kept))?.step).toBe("swapped");
  expect(await query(reader, "select from triaged.task_history")).toHaveLength(3);
});

test.for([
  ["a source that is dropped meanwhile", "drop table triaged.task_history_20250309"],
  ["a column that comes meanwhile", "alter table triaged.task_history add column more text"],
  ["copies that are not the same", "insert into triaged.task_history_rewrite select * from spare"],
] as const)(
  "%s ends the rewrite, and the next one begins anew",
  async ([, statement], { connect }) => {
    const client = await connect();
    await setTime(client, "2025-03-12T12:00:00Z");
    await makeDays(client, "task_history", "2025-03-03", "2025-03-12");
    await failTask(client, "2025-03-08T12:00:00Z");
    await setTime(client, "2025-03-12T12:00:00Z");
    await client.query(
      `create temporary table spare as
     select * from triaged.task_history where event = 'claim'`,
    );
    const kept = { task_days: 7, history_days: 90 };
    await steps(client, kept, "copied");

    await client.query(statement);
    const after = await steps(client, kept, "gave up");

    expect(after.at(-1)?.step).toBe("gave up");
    expect(await query(client, "select from triaged.partition_rewrites")).toEqual([]);
    const before = await rowsOf(client, "task_history");
    expect((await steps(client, kept)).at(-1)?.step).toBe("swapped");
    expect(await rowsOf(client, "task_history")).toEqual(before);
  },
);
