// Goal: what rollups count is what history holds, however transactions interleave, wherever a fold
// is interrupted, and whatever retention drops.
import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { makeDays, setTime } from "../support/partitions.ts";
import { bothCounts, foldAll, rolledUp, workOff } from "../support/rollups.ts";
import { enqueue, query, queryOne } from "../support/tasks.ts";

test("views tell the same before, while and after history is folded", async ({ client }) => {
  await workOff(client, 40);
  const { told, recorded } = await bothCounts(client);
  const failures = await query(client, "select * from triaged.failures_by_cause order by 1, 2");
  const events = await query(client, "select * from triaged.events_per_minute order by 1, 2");
  expect(told).toEqual(recorded);
  expect(told.length).toBeGreaterThan(5);

  expect(await queryOne(client, "select triaged.fold_history(30) as count")).toEqual({ count: 30 });
  expect((await bothCounts(client)).told).toEqual(recorded);
  await foldAll(client);
  await workOff(client, 24);

  const again = await bothCounts(client);
  expect(again.told).toEqual(again.recorded);
  expect(await foldAll(client)).toBeGreaterThan(80);
  const folded = await bothCounts(client);
  expect(folded.told).toEqual(again.recorded);
  expect(failures.length).toBeGreaterThan(1);
  expect(
    await queryOne(
      client,
      `select sum(count)::integer as failed, sum(ended)::integer as ended,
         (select count(*)::integer from triaged.task_history
          where event = 'fail' or status = 'failed') as failed_rows,
         (select count(*)::integer from triaged.task_history where status = 'failed') as ended_rows
       from triaged.failures_by_cause`,
    ),
  ).toSatisfy(
    (found: Record<string, number>) =>
      found["failed"] === found["failed_rows"] && found["ended"] === found["ended_rows"],
  );
  expect(events.length).toBeGreaterThan(4);
  expect(
    await query(
      client,
      `select event, sum(count)::integer as count from triaged.events_per_minute
       group by 1 order by 1`,
    ),
  ).toEqual(
    await query(
      client,
      `select event, count(*)::integer as count from triaged.task_history group by 1 order by 1`,
    ),
  );
});

test("a fold in small steps gives what one fold gives", async ({ client }) => {
  await workOff(client, 40);
  await client.query("begin");
  await client.query("select triaged.fold_rows(0, 1000000)");
  const atOnce = await rolledUp(client);
  await client.query("rollback");

  await foldAll(client, 7);

  expect(await rolledUp(client)).toEqual(atOnce);
});

/** Events by the rollups of an hour, and by history. */
async function bothEvents(client: Client) {
  const [told, recorded] = [
    `select event, sum(count)::integer as count from triaged.event_rollups
     where span = 'hour' group by 1 order by 1`,
    "select event, count(*)::integer as count from triaged.task_history group by 1 order by 1",
  ];
  return { told: await query(client, told), recorded: await query(client, recorded) };
}

test("a transaction that commits late is counted once, and views are right meanwhile", async ({
  connect,
}) => {
  const [late, client, observer] = [await connect(), await connect(), await connect()];
  await late.query("begin");
  await enqueue(late, { task_type: "late" });
  await workOff(client, 10);
  await foldAll(observer);
  await workOff(client, 10);
  expect(await foldAll(observer)).toBe(0);
  const meanwhile = await bothCounts(observer);
  expect(meanwhile.told).toEqual(meanwhile.recorded);

  await late.query("commit");
  await foldAll(observer);

  const { told, recorded } = await bothEvents(observer);
  expect(told).toEqual(recorded);
});

test("a transaction that is prepared meanwhile is waited for", async ({ connect, skip }) => {
  const [late, client] = [await connect(), await connect()];
  const { max } = await queryOne<{ max: string }>(
    client,
    "select current_setting('max_prepared_transactions') as max",
  );
  skip(max === "0", "the server allows no prepared transactions");
  await late.query("begin");
  await enqueue(late, { task_type: "late" });
  await workOff(client, 10);
  // Marks how far it could be folded, but for that transaction.
  expect(await foldAll(client)).toBe(0);
  await late.query("prepare transaction 'late'");
  await workOff(client, 10);

  expect(await foldAll(client)).toBe(0);
  await late.query("commit prepared 'late'");
  expect(await foldAll(client)).toBeGreaterThan(40);

  const { told, recorded } = await bothEvents(client);
  expect(told).toEqual(recorded);
});

test("neither who reads history nor who writes elsewhere holds up a fold", async ({ connect }) => {
  const [reader, writer, client] = [await connect(), await connect(), await connect()];
  await workOff(client, 10);
  await reader.query("begin isolation level repeatable read");
  await query(reader, "select count(*) from triaged.task_history");
  await writer.query("begin");
  await writer.query("create temporary table elsewhere (id bigint)");

  expect(await foldAll(client)).toBeGreaterThan(20);
});

test("a fold is complete while others commit at any moment", async ({ connect }) => {
  const writers = await Promise.all([connect(), connect(), connect()]);
  const folders = await Promise.all([connect(), connect()]);
  const writing = new AbortController();
  const folding = folders.map(async (folder) => {
    while (!writing.signal.aborted) {
      await folder.query("select triaged.fold_history(50)");
    }
  });
  await Promise.all(
    writers.map(async (writer, place) => {
      for (let round = 0; round < 25; round += 1) {
        await writer.query("begin");
        await enqueue(writer, { task_type: `of_${place}` });
        await enqueue(writer, { task_type: "noop", run_at: "2000-01-01" });
        await writer.query(round % 5 === 4 ? "rollback" : "commit");
      }
    }),
  );
  writing.abort();
  await Promise.all(folding);
  const client = await connect();
  await waitFor(async () => (await foldAll(client)) === 0);

  expect(
    await query(
      client,
      `select sum(count)::integer as count from triaged.event_rollups where span = 'minute'`,
    ),
  ).toEqual([{ count: 3 * 20 * 2 }]);
});

test("a fold that is interrupted has done nothing", async ({ client }) => {
  await workOff(client, 10);
  await client.query("begin");
  await client.query("select triaged.fold_history()");
  await client.query("rollback");
  expect(await query(client, "select from triaged.event_rollups")).toEqual([]);

  await foldAll(client);

  const { told, recorded } = await bothCounts(client);
  expect(told).toEqual(recorded);
});

test("a fold refuses a transaction that keeps its snapshot", async ({ client }) => {
  await client.query("begin isolation level repeatable read");

  await expect(client.query("select triaged.fold_history()")).rejects.toMatchObject({
    code: "25001",
  });
});

test("a fold crosses a gap of ids, and a mark whose transactions are gone", async ({ client }) => {
  await workOff(client, 6);
  await client.query(
    "select setval(pg_get_serial_sequence('triaged.task_history', 'history_id'), 5000000000)",
  );
  await client.query(
    "insert into triaged.rollup_progress (marked_id, marked_writers) values (9, '{9/99}')",
  );
  await workOff(client, 6);

  await foldAll(client, 20);

  const { told, recorded } = await bothCounts(client);
  expect(told).toEqual(recorded);
  expect(
    await queryOne(client, "select marked_id > 5000000000 as past from triaged.rollup_progress"),
  ).toEqual({ past: true });
});

test("hours are told of after retention has dropped tasks and history", async ({ client }) => {
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-01", "2025-03-02");
  }
  await setTime(client, "2025-03-01T12:00:30Z");
  await workOff(client, 16);
  await foldAll(client);
  await setTime(client, "2025-03-20T00:00:00Z");
  await client.query("select triaged.drop_expired_partitions(1, 1)");
  await foldAll(client);

  expect(await query(client, "select from triaged.task_history where at < '2025-03-02'")).toEqual(
    [],
  );
  expect(
    await query(
      client,
      `select span, sum(count)::integer as count from triaged.ended_rollups group by span`,
    ),
  ).toEqual([{ span: "hour", count: expect.any(Number) }]);
});

test("the newest pages of history are summarized, once", async ({ client }) => {
  await client.query(
    `select count(*) from triaged.enqueue_tasks((
       select jsonb_agg('{"task_type": "noop"}'::jsonb) from generate_series(1, 6000)))`,
  );
  const summarize = () => queryOne(client, "select triaged.summarize_history() > 0 as some");

  expect(await summarize()).toEqual({ some: true });
  expect(await summarize()).toEqual({ some: false });
});

test("queue_depth shows the last count while tasks are many, and counts while they are few", async ({
  client,
}) => {
  const depth = () =>
    query(
      client,
      `select queue, task_type, status, count::integer, due::integer, oldest_age is not null as aged
       from triaged.queue_depth`,
    );
  const enqueueMany = (count: number) =>
    client.query(
      `select count(*) from triaged.enqueue_tasks((
         select jsonb_agg('{"task_type": "noop"}'::jsonb) from generate_series(1, $1::integer)))`,
      [count],
    );
  const row = { queue: "default", task_type: "noop", status: "queued", aged: true };
  await enqueueMany(5);
  await client.query("select triaged.count_depth()");
  await enqueueMany(5);
  expect(await depth()).toEqual([{ ...row, count: 10, due: 10 }]);

  await enqueueMany(20_000);
  await client.query("update triaged.rollup_progress set counted_tasks = 0");
  await client.query("select triaged.count_depth()");
  await enqueueMany(1);
  expect(await depth()).toEqual([{ ...row, count: 20_010, due: 20_010 }]);

  // Nobody counts any more.
  await client.query("update triaged.rollup_progress set counted_at = now() - interval '1 hour'");
  expect(await depth()).toEqual([{ ...row, count: 20_011, due: 20_011 }]);
});
