// Goal: our own questions lock the partitions that can have the answer, and no others.
// Method: make many, ask in a transaction, and count what it has locked.
import type { Client } from "pg";
import { beforeEach, expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { getProgress, taskHistory } from "../../src/database/reader.ts";
import { test } from "../support/connections.ts";
import { failTask, makeDays, setTime } from "../support/partitions.ts";
import { call, enqueue, query, startTask } from "../support/tasks.ts";

const DAYS = { from: "2025-03-01", to: "2025-03-31" };

/** The partitions that a table has locked for this transaction, without the default one. */
async function lockedOf(client: Client, table: string): Promise<unknown[]> {
  const rows = await query(
    client,
    `select distinct partition_name as name
     from triaged.partitions
     join pg_locks on relation = ('triaged.' || partition_name)::regclass
     where pid = pg_backend_pid() and table_name = $1 and ends_at is not null
     order by name`,
    [table],
  );
  return rows.map(({ name }) => name);
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query("begin");
  await work();
  await client.query("rollback");
}

beforeEach<{ connect: () => Promise<Client> }>(async ({ connect }) => {
  const client = await connect();
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, DAYS.from, DAYS.to);
  }
});

test("the history of a task is looked for in its days", async ({ connect }) => {
  const client = await connect();
  const taskId = await failTask(client, "2025-03-12T12:00:00Z");
  await setTime(client, "2025-03-31T12:00:00Z");

  await inTransaction(client, async () => {
    const rows = await taskHistory(inSchema(client), taskId);

    expect(rows.map(({ event }) => event)).toEqual(["enqueue", "claim", "fail"]);
    expect(await lockedOf(client, "task_history")).toEqual(["task_history_20250312"]);
  });
});

test("a task that was dated by hand is looked for everywhere", async ({ connect }) => {
  const client = await connect();
  await setTime(client, "2025-03-12T12:00:00Z");
  const { task_id } = await startTask(client);
  await query(
    client,
    `update triaged.tasks set status = 'finished', ended_at = '2025-03-02 12:00Z'
     where task_id = $1`,
    [task_id],
  );

  const rows = await taskHistory(inSchema(client), task_id);

  expect(rows.map(({ event }) => event)).toEqual(["enqueue", "claim", "manual"]);
});

test("the history of a task that is gone is found", async ({ connect }) => {
  const client = await connect();
  const taskId = await failTask(client, "2025-03-12T12:00:00Z");
  await client.query("drop table triaged.final_tasks_20250312");

  expect(await taskHistory(inSchema(client), taskId)).toHaveLength(3);
});

test("waiting for a live task asks no partition", async ({ connect }) => {
  const client = await connect();
  const taskId = await enqueue(client);

  await inTransaction(client, async () => {
    expect(await getProgress(inSchema(client), taskId)).toMatchObject({ status: "queued" });
    expect(await lockedOf(client, "final_tasks")).toEqual([]);
  });
});

test("task_statistics asks the partitions of its window", async ({ connect }) => {
  const client = await connect();
  await failTask(client, "2025-03-12T06:00:00Z");
  await failTask(client, "2025-03-10T06:00:00Z");
  await setTime(client, "2025-03-12T12:00:00Z");

  // Seven times: a plan for any time would be kept by then.
  for (let time = 0; time < 7; time += 1) {
    await inTransaction(client, async () => {
      expect(
        await query(client, "select status, count::integer from triaged.task_statistics"),
      ).toEqual([{ status: "failed", count: 1 }]);
      expect(await lockedOf(client, "final_tasks")).toEqual([
        "final_tasks_20250311",
        "final_tasks_20250312",
      ]);
    });
  }
});

test("a retry writes to the partition of its task alone", async ({ connect }) => {
  const [client, holder] = [await connect(), await connect()];
  const taskId = await failTask(client, "2025-03-12T12:00:00Z");
  await holder.query("begin");
  await holder.query("lock table triaged.final_tasks_20250311 in share mode");

  await client.query("set lock_timeout to '5s'");
  await call(client, "retry_task", { task_id: taskId });

  expect(await getProgress(inSchema(client), taskId)).toMatchObject({ status: "queued" });
  await holder.query("rollback");
});
