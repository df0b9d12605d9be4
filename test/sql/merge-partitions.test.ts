// Goal: old partitions become few, and the default ones empty, without a row lost, doubled or
// changed.
// Method: stop the clock, live through days, call merge_partitions step by step on connections
// that commit, and compare every row before and after.
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  failTask,
  locksOf,
  makeDays,
  partitionsOf,
  rowsOf,
  setTime,
  step,
  steps,
  violationsOf,
} from "../support/partitions.ts";
import { query, queryOne, startTask } from "../support/tasks.ts";

// Makes some 370 tables, and as many indexes twice.
const YEAR_MS_MAX = 180_000;

test("a year of days becomes months, and a query on it takes a tenth of the locks", {
  timeout: YEAR_MS_MAX,
}, async ({ connect }) => {
  const client = await connect();
  await setTime(client, "2025-03-15T12:00:00Z");
  await makeDays(client, "task_history", "2024-03-16", "2025-03-15");
  for (const day of ["2024-05-01", "2024-05-31", "2024-12-24", "2025-03-01"]) {
    await failTask(client, `${day}T12:00:00Z`);
  }
  await setTime(client, "2025-03-15T12:00:00Z");
  const before = await rowsOf(client, "task_history");
  const ask = "select from triaged.task_history where task_id = 1";
  const locksBefore = await locksOf(client, ask);

  await steps(client, { task_days: 7, history_days: 365 });

  expect(await rowsOf(client, "task_history")).toEqual(before);
  const partitions = await partitionsOf(client, "task_history");
  expect(partitions.slice(0, 3)).toEqual([
    "task_history_20240316_20240331",
    "task_history_20240401_20240430",
    "task_history_20240501_20240531",
  ]);
  expect(partitions).toHaveLength(12 + 14);
  // Of each partition and of the table: itself and four indexes. The fold needs that by history_id.
  expect(locksBefore).toBeGreaterThan(1_400);
  expect(await locksOf(client, ask)).toBeLessThan(150);
  expect(await violationsOf(client)).toEqual([]);
});

test.for([
  { days: 30, names: ["_20250306", "_20250307", "_20250308", "_20250309"] },
  { days: 31, names: ["_20250306_20250309", "_20250310_20250316"] },
  { days: 210, names: ["_20250306_20250309", "_20250310_20250316"] },
  { days: 211, names: ["_20250306_20250331", "_20250401"] },
  { days: 0, names: ["_20250306_20250331", "_20250401"] },
])(
  "rows kept for $days days lie in partitions as wide as that allows",
  async ({ days, names }, { connect }) => {
    const client = await connect();
    await setTime(client, "2025-04-04T12:00:00Z");
    await makeDays(client, "final_tasks", "2025-03-06", "2025-04-04");

    await steps(client, { task_days: days, history_days: 90 });

    const made = await partitionsOf(client, "final_tasks");
    expect(made.slice(0, names.length)).toEqual(names.map((name) => `final_tasks${name}`));
  },
);

test("years that are over become one partition each, and nothing is left to do then", async ({
  connect,
}) => {
  const client = await connect();
  await setTime(client, "2027-02-03T12:00:00Z");
  // Days here, as they were made, would take the test its time.
  await client.query("drop table triaged.task_history_default");
  for (const [from, to] of [
    ["2025-11-01", "2025-12-01"],
    ["2025-12-01", "2026-01-01"],
    ["2026-01-01", "2026-01-31"],
    ["2026-01-31", "2026-02-01"],
    ["2026-02-01", "2026-03-01"],
  ]) {
    await client.query(
      `create table triaged.task_history_${from?.replaceAll("-", "")}
       partition of triaged.task_history for values from ('${from}Z') to ('${to}Z')`,
    );
  }
  await client.query(
    "create table triaged.task_history_default partition of triaged.task_history default",
  );
  const kept = { task_days: 7, history_days: 0 };

  await steps(client, kept);

  expect((await partitionsOf(client, "task_history")).slice(0, 3)).toEqual([
    "task_history_20251101_20251231",
    "task_history_20260101_20260131",
    "task_history_20260201",
  ]);
  expect(await step(client, kept)).toBeNull();
});

test("a day without a partition divides what is merged: it may have been dropped", async ({
  connect,
}) => {
  const client = await connect();
  await setTime(client, "2025-04-04T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-03", "2025-04-04");
  await client.query("drop table triaged.task_history_20250305");

  await steps(client, { task_days: 7, history_days: 90 });

  expect((await partitionsOf(client, "task_history")).slice(0, 3)).toEqual([
    "task_history_20250303_20250304",
    "task_history_20250306_20250309",
    "task_history_20250310_20250316",
  ]);
});

test("days that are over leave the default partition, and it stays the net", async ({
  connect,
}) => {
  const client = await connect();
  const failed = [];
  for (const day of ["03", "04", "07"]) {
    failed.push(await failTask(client, `2025-03-${day}T12:00:00Z`));
  }
  // By hand, far ahead.
  await setTime(client, "2025-03-09T12:00:00Z");
  const ahead = await startTask(client);
  await query(
    client,
    `update triaged.tasks set status = 'finished', ended_at = '2090-01-01 12:00Z'
     where task_id = $1`,
    [ahead.task_id],
  );
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-09", "2025-03-10");
  }
  const rights = async () =>
    await queryOne(
      client,
      `select has_table_privilege('triaged_readonly', 'triaged.task_history_default', 'select')`,
    );
  const [tasks, history, mayRead] = [
    await rowsOf(client, "final_tasks"),
    await rowsOf(client, "task_history"),
    await rights(),
  ];

  const done = await steps(client, { task_days: 7, history_days: 30 });

  expect(done.filter(({ step: name }) => name === "swapped")).toMatchObject([
    { partitions: ["final_tasks_20250303", "final_tasks_20250304", "final_tasks_20250307"] },
    { partitions: ["task_history_20250303", "task_history_20250304", "task_history_20250307"] },
  ]);
  expect(await rowsOf(client, "final_tasks")).toEqual(tasks);
  expect(await rowsOf(client, "task_history")).toEqual(history);
  expect(await rights()).toEqual(mayRead);
  expect(await query(client, "select task_id from triaged.final_tasks_default")).toEqual([
    { task_id: ahead.task_id },
  ]);
  expect(await violationsOf(client)).toEqual([]);
});

test("while today has no partition, its rows stay where they come in", async ({ connect }) => {
  const client = await connect();
  await failTask(client, "2025-03-03T12:00:00Z");
  await failTask(client, "2025-03-05T12:00:00Z");

  expect(await step(client)).toBeNull();
});

test("copied partitions are indexed as the others are, and bound by nothing more", async ({
  connect,
}) => {
  const client = await connect();
  await setTime(client, "2025-04-04T12:00:00Z");
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-03", "2025-04-04");
  }

  await steps(client, { task_days: 90, history_days: 90 });

  const shapeOf = async (name: string) =>
    await query(
      client,
      `select replace(pg_get_indexdef(indexrelid), relname, '') as shape
       from pg_index join pg_class on pg_class.oid = indexrelid
       where indrelid = $1::regclass
       union all
       select pg_get_constraintdef(oid) from pg_constraint
       where conrelid = $1::regclass and contype <> 'n'
       order by shape`,
      [`triaged.${name}`],
    );
  for (const table of ["final_tasks", "task_history"]) {
    const [merged, day] = [
      await shapeOf(`${table}_20250303_20250309`),
      await shapeOf(`${table}_20250404`),
    ];
    expect(nameless(merged)).toBe(nameless(day));
  }
});

test("merged partitions lie in the tablespace of their table, with indexes; days do not", async ({
  connect,
}) => {
  const client = await connect();
  await setTime(client, "2025-04-04T12:00:00Z");
  await makeDays(client, "task_history", "2025-03-03", "2025-03-30");
  await failTask(client, "2025-03-04T12:00:00Z");
  await setTime(client, "2025-04-04T12:00:00Z");
  const before = await rowsOf(client, "task_history");
  const archive = `archive_${randomBytes(6).toString("hex")}`;
  // In the folder of the server, which may be another machine's.
  await client.query("set allow_in_place_tablespaces = on");
  await client.query(`create tablespace ${archive} location ''`);
  try {
    await client.query(`alter table triaged.task_history set tablespace ${archive}`);
    // A row of a day without a partition, which is copied into one as well.
    await failTask(client, "2025-04-02T12:00:00Z");
    await setTime(client, "2025-04-04T12:00:00Z");
    await client.query("select triaged.create_partition('task_history', '2025-04-04')");

    // The default partition first. Then the oldest week, in a transaction of the caller's.
    await steps(client, { task_days: 7, history_days: 90 }, "swapped");
    await client.query("begin");
    const [began] = await steps(client, { task_days: 7, history_days: 90 }, "began");
    expect(began?.partitions).toEqual(["task_history_20250303_20250309"]);
    expect(await query(client, "show default_tablespace")).toEqual([{ default_tablespace: "" }]);
    await client.query("commit");
    await steps(client, { task_days: 7, history_days: 90 });

    const placed = await query(
      client,
      `select
         partition_name as name,
         (
           select array_agg(distinct coalesce(spcname, 'database')::text)
           from pg_class as stored left join pg_tablespace on pg_tablespace.oid = reltablespace
           where
             stored.oid = partition.oid
             or stored.oid in (select indexrelid from pg_index where indrelid = partition.oid)
         ) as tablespaces
       from triaged.partitions as known
       join pg_class as partition on partition.oid = format('triaged.%I', partition_name)::regclass
       where table_name = 'task_history' and (ends_at <= '2025-04-05Z' or ends_at is null)
       order by name`,
    );
    expect(placed).toEqual([
      { name: "task_history_20250303_20250309", tablespaces: [archive] },
      { name: "task_history_20250310_20250316", tablespaces: [archive] },
      { name: "task_history_20250317_20250323", tablespaces: [archive] },
      { name: "task_history_20250324_20250330", tablespaces: [archive] },
      { name: "task_history_20250402", tablespaces: ["database"] },
      { name: "task_history_20250404", tablespaces: ["database"] },
      { name: "task_history_default", tablespaces: ["database"] },
    ]);
    expect(await rowsOf(client, "task_history")).toEqual(expect.arrayContaining(before));
    expect(await violationsOf(client)).toEqual([]);
  } finally {
    await client.query("drop table triaged.task_history cascade");
    await client.query(`drop tablespace ${archive}`);
  }
});

test("only those who may end retention may merge", async ({ connect }) => {
  const client = await connect();
  await client.query("begin");
  await client.query("set local role triaged_api");

  await expect(client.query("select triaged.merge_partitions()")).rejects.toMatchObject({
    code: "42501",
  });
  await client.query("rollback");
});

test("one statement makes or drops the partitions of no other table", async ({ connect }) => {
  const client = await connect();

  for (const table of ["live_tasks", "workers; drop table x", null]) {
    await expect(
      client.query("select triaged.create_partition($1, '2025-01-01')", [table]),
    ).rejects.toMatchObject({ code: "22023" });
  }
});

/** Without the names of tables and indexes. */
function nameless(rows: unknown): string {
  return JSON.stringify(rows)
    .replaceAll(/triaged\.\w+/g, "")
    .replaceAll(/\s+/g, " ");
}
