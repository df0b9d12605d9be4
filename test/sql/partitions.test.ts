import type { Client } from "pg";
import { expect } from "vitest";
import { test as connected, test } from "../support/connections.ts";
import { partitionsHolding } from "../support/partitions.ts";
import {
  enqueue,
  outcomeOf,
  query,
  refusal,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

async function endTask(db: Client, at: string): Promise<string> {
  await setClock(db, at);
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "finish")]);
  return task.task_id;
}

test("partitions are made for today and the days ahead, once", async ({ db }) => {
  await setClock(db, "2030-01-30T23:59:59Z");

  const made = await query(db, "select triaged.create_partitions(2) as made");
  const again = await query(db, "select triaged.create_partitions(2) as made");

  expect([made, again]).toEqual([[{ made: 6 }], [{ made: 0 }]]);
  expect(
    await query(
      db,
      `select relname as name from pg_class
       where relname like '%\\_2030%' and relkind = 'r' order by relname`,
    ),
  ).toEqual(
    ["final_tasks", "task_history"].flatMap((parent) =>
      ["20300130", "20300131", "20300201"].map((day) => ({ name: `${parent}_${day}` })),
    ),
  );
});

test("a row lies in the partition of its day of UTC, whatever the time zone", async ({ db }) => {
  await db.query("set local timezone to 'Pacific/Auckland'");
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query("select triaged.create_partitions(1)");

  await endTask(db, "2030-01-01T23:59:59.999999Z");
  await endTask(db, "2030-01-02T00:00:00Z");

  expect(await partitionsHolding(db, "final_tasks")).toEqual([
    "final_tasks_20300101",
    "final_tasks_20300102",
  ]);
  expect(await partitionsHolding(db, "task_history")).toEqual([
    "task_history_20300101",
    "task_history_20300102",
  ]);
});

test("a row whose day has no partition lies in the default one, and is moved", async ({ db }) => {
  const taskId = await endTask(db, "2030-01-01T12:00:00Z");
  expect(await partitionsHolding(db, "final_tasks")).toEqual(["final_tasks_default"]);
  expect(await partitionsHolding(db, "task_history")).toEqual(["task_history_default"]);

  await db.query("select triaged.create_partitions(0)");

  expect(await partitionsHolding(db, "final_tasks")).toEqual(["final_tasks_20300101"]);
  expect(await partitionsHolding(db, "task_history")).toEqual(["task_history_20300101"]);
  expect(await query(db, "select task_id, status from triaged.tasks")).toEqual([
    { task_id: taskId, status: "finished" },
  ]);
  expect(await query(db, "select event from triaged.task_history order by history_id")).toEqual([
    { event: "enqueue" },
    { event: "claim" },
    { event: "finish" },
  ]);
});

test("days that passed without a partition get theirs, so that they can expire", async ({ db }) => {
  await endTask(db, "2030-01-01T12:00:00Z");
  await setClock(db, "2030-01-05T12:00:00Z");

  await db.query("select triaged.create_partitions(0)");

  expect(await partitionsHolding(db, "final_tasks")).toEqual(["final_tasks_20300101"]);
  expect(await partitionsHolding(db, "task_history")).toEqual(["task_history_20300101"]);
});

test("a new partition refuses what the table refuses", async ({ db }) => {
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query("select triaged.create_partitions(0)");
  await endTask(db, "2030-01-01T12:00:00Z");

  const constraints = await query(
    db,
    `select conname from pg_constraint
     where conrelid = 'triaged.final_tasks'::regclass and contype = 'c'
     except
     select conname from pg_constraint
     where conrelid = 'triaged.final_tasks_20300101'::regclass`,
  );

  expect(constraints).toEqual([]);
  expect(
    await refusal(db, () => db.query("update triaged.final_tasks set priority = 0")),
  ).toMatchObject({ code: "TR002" });
});

test("partitions older than the given days are dropped, and only those", async ({ db }) => {
  for (const day of ["01", "02", "03"]) {
    await setClock(db, `2030-01-${day}T12:00:00Z`);
    await db.query("select triaged.create_partitions(0)");
    await endTask(db, `2030-01-${day}T12:00:00Z`);
  }
  await endTask(db, "2031-01-01T12:00:00Z");
  await setClock(db, "2030-01-09T23:59:59Z");

  const dropped = await query(
    db,
    `select dropped from triaged.drop_expired_partitions(task_days => 7, history_days => 6)
       as dropped
     where dropped like '%\\_2030%'`,
  );

  expect(dropped).toEqual([
    { dropped: "final_tasks_20300101" },
    { dropped: "task_history_20300101" },
    { dropped: "task_history_20300102" },
  ]);
  expect(await partitionsHolding(db, "final_tasks")).toEqual([
    "final_tasks_20300102",
    "final_tasks_20300103",
    "final_tasks_default",
  ]);
});

test("0 days keep everything for ever", async ({ db }) => {
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query("select triaged.create_partitions(0)");
  await setClock(db, "2130-01-01T12:00:00Z");

  expect(await query(db, "select triaged.drop_expired_partitions(0, 0)")).toEqual([]);
});

test("a negative number of days is refused", async ({ db }) => {
  expect(
    await refusal(db, () => db.query("select triaged.drop_expired_partitions(-1)")),
  ).toMatchObject({ code: "22023", message: "expected days to be 0 or more, got -1 and 90" });
});

test("cleanup_old_tasks drops old final tasks, and leaves live ones and history", async ({
  db,
}) => {
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query("select triaged.create_partitions(0)");
  const ended = await endTask(db, "2030-01-01T12:00:00Z");
  const live = [(await startTask(db)).task_id, await enqueue(db)];
  await setClock(db, "2030-02-01T12:00:00Z");

  await db.query("select triaged.cleanup_old_tasks()");

  expect(await query(db, "select task_id from triaged.tasks order by task_id")).toEqual(
    live.map((task_id) => ({ task_id })),
  );
  expect(
    await query(db, "select event from triaged.task_history where task_id = $1", [ended]),
  ).toHaveLength(3);
});

connected("a partition that is being read is left for the next run", async ({ connect }) => {
  const [db, reader] = [await connect(), await connect()];
  const run = "select set_config('triaged.fake_now', $1, false)";
  await db.query(run, ["2030-01-01T12:00:00Z"]);
  await db.query("select triaged.create_partitions(0)");
  await db.query(run, ["2030-06-01T12:00:00Z"]);
  await reader.query("begin");
  await reader.query("select from triaged.final_tasks_20300101");
  const drop = async () =>
    (
      await query(
        db,
        `select dropped from triaged.drop_expired_partitions(7, 90) as dropped
         where dropped like '%\\_2030%'`,
      )
    ).map((row) => row["dropped"]);

  const first = await drop();
  await reader.query("rollback");
  const second = await drop();

  expect([first, second]).toEqual([["task_history_20300101"], ["final_tasks_20300101"]]);
});

test("a partition of many days is dropped when the last of them has expired", async ({ db }) => {
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query(
    `create table triaged.task_history_20300101_20300107
     partition of triaged.task_history for values from ('2030-01-01Z') to ('2030-01-08Z')`,
  );
  const drop = `select dropped from triaged.drop_expired_partitions(0, 6) as dropped
    where dropped like '%\\_2030%'`;

  await setClock(db, "2030-01-13T23:59:59Z");
  const before = await query(db, drop);
  await setClock(db, "2030-01-14T00:00:00Z");

  expect([before, await query(db, drop)]).toEqual([
    [],
    [{ dropped: "task_history_20300101_20300107" }],
  ]);
});

test("no more partitions are dropped than are asked for", async ({ db }) => {
  await setClock(db, "2030-01-01T12:00:00Z");
  await db.query("select triaged.create_partitions(2)");
  await setClock(db, "2040-01-01T12:00:00Z");

  expect(await query(db, "select triaged.drop_expired_partitions(7, 90, 1)")).toHaveLength(1);
});
