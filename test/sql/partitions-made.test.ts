// Goal: partitions are made once, those ahead whatever is wrong with others, and without a delete
// where none may be.
// Method: several connections that commit.
import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { partitionsHolding } from "../support/partitions.ts";
import { enqueue, query } from "../support/tasks.ts";

test("two callers at once make each partition once", async ({ connect }) => {
  const clients = [await connect(), await connect(), await connect()];

  const made = await Promise.all(
    clients.map((client) => query(client, "select triaged.create_partitions(12) as made")),
  );

  // The migration made those of the first week.
  const total = made.flat().reduce((sum, row) => sum + Number(row["made"]), 0);
  expect(total).toBe(10);
});

test("of two callers that make one partition, the second finds it made", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  const make = "select triaged.create_partition('task_history', '2030-01-01') as made";
  await first.query("begin");
  await first.query(make);

  const answer = query(second, make);
  await waitUntilBlocked(first, second);
  await first.query("commit");

  expect(await answer).toEqual([{ made: false }]);
});

test("a table that a person made for one day does not keep the other days from their partitions", async ({
  connect,
}) => {
  const client = await connect();
  await client.query("select set_config('triaged.fake_now', '2030-01-01 12:00Z', false)");
  // Whose it is, and why, nobody knows.
  await client.query("create table triaged.task_history_20300103 ()");

  const made = await query(client, "select triaged.create_partitions(3) as made");

  expect(made).toEqual([{ made: 7 }]);
});

test("the days ahead are made while today's rows are too many to move", async ({ connect }) => {
  const client = await connect();
  await client.query("select set_config('triaged.fake_now', '2030-01-01 12:00Z', false)");
  await client.query(
    `insert into triaged.task_history (task_id, task_type, at, event, status, attempt_count, actor)
     select n, 'noop', triaged.now(), 'enqueue', 'queued', 0, 'test'
     from generate_series(1, 10001) as n`,
  );

  const made = await query(client, "select triaged.create_partitions(2) as made");

  expect(made).toEqual([{ made: 5 }]);
  expect(await partitionsHolding(client, "task_history")).toEqual(["task_history_default"]);
});

test("no row is moved where its delete would be published, and refused", async ({ connect }) => {
  const client = await connect();
  await client.query("set client_min_messages to error");
  await client.query("create publication everything for table triaged.task_history");
  await client.query("alter table triaged.task_history_default replica identity nothing");
  await client.query("select set_config('triaged.fake_now', '2030-01-01 12:00Z', false)");
  await enqueue(client);
  const create = "select triaged.create_partitions(0) as made";

  expect(await query(client, create)).toEqual([{ made: 1 }]);
  expect(await partitionsHolding(client, "task_history")).toEqual(["task_history_default"]);
  await client.query("select set_config('triaged.fake_now', '2030-01-02 12:00Z', false)");
  expect(await query(client, create)).toEqual([{ made: 2 }]);
  while ((await query(client, "select from triaged.merge_partitions()")).length > 0) {
    // One step more.
  }

  expect(await partitionsHolding(client, "task_history")).toEqual(["task_history_20300101"]);
});
