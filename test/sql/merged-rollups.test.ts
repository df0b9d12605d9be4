// Goal: what is merged of rollups, of several queues or of the hours of a day, counts as it did
// before; and histograms tell quantiles within 5 %.
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makeDays, setTime } from "../support/partitions.ts";
import { bothCounts, foldAll, rolledUp, workOff } from "../support/rollups.ts";
import { query, queryOne } from "../support/tasks.ts";

test("rows by queue, of an older version, count as they are until they are merged, hour by hour", async ({
  client,
}) => {
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-01", "2025-03-02");
  }
  const workOffAt = async (hour: string) => {
    await setTime(client, `2025-03-01T${hour}:10:00Z`);
    await workOff(client, 16);
    await foldAll(client);
  };
  await workOffAt("10");
  await workOffAt("11");
  await client.query(
    `update triaged.ended_rollups set queue = 'day';
     update triaged.rollup_progress set merged_queues_from = null`,
  );
  const hoursWithQueues = () =>
    queryOne(
      client,
      `select count(distinct date_trunc('hour', starts_at))::integer as hours
       from triaged.ended_rollups where queue <> ''`,
    );
  // Folds beside what is there: the newest hour has rows of both kinds.
  await setTime(client, "2025-03-01T11:20:00Z");
  await workOff(client, 16);
  await client.query("select triaged.fold_rows(folded_id, 1000000) from triaged.rollup_progress");
  await client.query("update triaged.rollup_progress set folded_id = 1000000");
  expect(await hoursWithQueues()).toEqual({ hours: 2 });
  const { told, recorded } = await bothCounts(client);
  expect(told).toEqual(recorded);
  const quantiles = () =>
    query(
      client,
      `select task_type, status, round(run_seconds_p95::numeric, 6) as run,
         round(wait_seconds_p50::numeric, 6) as wait
       from triaged.task_statistics order by 1, 2`,
    );
  const known = await quantiles();

  await client.query("select triaged.merge_queues(1)");
  expect(await hoursWithQueues()).toEqual({ hours: 1 });
  expect((await bothCounts(client)).told).toEqual(recorded);
  await client.query("select triaged.fold_history()");

  expect(await hoursWithQueues()).toEqual({ hours: 0 });
  expect((await bothCounts(client)).told).toEqual(recorded);
  expect(await quantiles()).toEqual(known);
  const merged = await rolledUp(client);
  await client.query("begin");
  await client.query("delete from triaged.ended_rollups");
  await client.query("delete from triaged.event_rollups");
  await client.query("delete from triaged.failure_rollups");
  await client.query("select triaged.fold_rows(0, 1000000)");
  expect(merged.ended).toEqual((await rolledUp(client)).ended);
  await client.query("rollback");
});

test("hours that are merged count once, at any minute of an hour, and with what comes late", async ({
  client,
}) => {
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-01", "2025-03-02");
  }
  const workOffAt = async (instant: string) => {
    await setTime(client, instant);
    await workOff(client, 8);
  };
  const both = async () => {
    const { told, recorded } = await bothCounts(client);
    const perHour = `select
       (select sum(per_minute * 60)::integer from triaged.task_statistics) as told,
       (select count(*)::integer from triaged.task_history
        where status in ('finished', 'failed', 'cancelled')
          and at >= date_trunc('minute', triaged.now()) - interval '59 minutes') as recorded`;
    const rate = await queryOne<Record<string, number>>(client, perHour);
    return { told: [told, rate["told"]], recorded: [recorded, rate["recorded"]] };
  };
  for (const hour of ["01T11:40", "01T12:10", "01T20:30", "02T10:50", "02T11:05", "02T11:50"]) {
    await workOffAt(`2025-03-${hour}:30Z`);
    await foldAll(client);
  }

  for (const minute of ["11:59:10", "12:00:00", "12:09:59", "12:30:30"]) {
    await setTime(client, `2025-03-02T${minute}Z`);
    const unmerged = await both();
    expect(unmerged.told).toEqual(unmerged.recorded);
    await foldAll(client);
    const merged = await both();
    expect({ minute, told: merged.told }).toEqual({ minute, told: unmerged.recorded });
  }
  expect(
    await queryOne(client, "select sum(count)::integer > 10 as most from triaged.day_histograms"),
  ).toEqual({ most: true });

  await workOffAt("2025-03-01T20:45:30Z");
  await setTime(client, "2025-03-02T12:31:00Z");
  const late = await both();
  expect(late.told).toEqual(late.recorded);
  await foldAll(client);
  expect((await both()).told).toEqual(late.recorded);

  // As an older version leaves them, which merged histograms alone.
  await client.query("update triaged.day_histograms set count = null");
  expect((await both()).told).toEqual(late.recorded);
  await client.query("select triaged.fold_history()");
  expect(await query(client, "select from triaged.day_histograms where count is null")).toEqual([]);
  expect((await both()).told).toEqual(late.recorded);
});

test("quantiles are within 5 % of those of all values", async ({ client }) => {
  await client.query(
    `alter table triaged.live_tasks disable trigger user;
     select setseed(0.5);
     insert into triaged.final_tasks (
       task_id, task_type, payload, status, run_at, attempt_count, worker_id, created_at,
       started_at, ended_at, priority, queue, failure_count, max_attempts, rescue_count, metadata
     )
     select
       n, 'spread', '{}', 'finished', ended_at - run - wait, 1, 1, ended_at - run - wait,
       ended_at - run, ended_at, 2, 'default', 0, 3, 0, '{}'
     from (
       select n, triaged.now() as ended_at,
         interval '1 second' * exp(random() * 12 - 8) as run,
         interval '1 second' * exp(random() * 16 - 8) as wait
       from generate_series(1, 5000) as n
     ) as made`,
  );
  const exact = await queryOne<Record<string, number>>(
    client,
    `select
       percentile_cont(0.5) within group (order by extract(epoch from started_at - run_at)::float8)
         as wait_seconds_p50,
       percentile_cont(0.95) within group (order by extract(epoch from started_at - run_at)::float8)
         as wait_seconds_p95,
       percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8)
         as run_seconds_p50,
       percentile_cont(0.95) within group (order by extract(epoch from ended_at - started_at)::float8)
         as run_seconds_p95,
       avg(extract(epoch from ended_at - started_at))::float8 as avg_duration_seconds
     from triaged.final_tasks`,
  );
  const names = Object.keys(exact);
  const told = () =>
    queryOne<Record<string, number>>(
      client,
      `select ${names.join(", ")} from triaged.task_statistics where task_type = 'spread'`,
    );

  const before = await told();
  await foldAll(client);
  const after = await told();

  for (const name of names) {
    const expected = exact[name] ?? 0;
    for (const found of [before, after]) {
      const isNear = Math.abs((found[name] ?? 0) / expected - 1) < 0.05;
      expect({ name, found: found[name], isNear }).toMatchObject({ isNear: true });
    }
  }
});
