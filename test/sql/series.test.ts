// Goal: what charts draw is what history holds, step by step, however it was folded.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { readSeries, SERIES_RANGES, type SeriesRange } from "../../src/database/series.ts";
import { found, test } from "../support/connections.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  refusal,
  setClock,
  settle,
  startWorker,
} from "../support/tasks.ts";

const NOON = Date.parse("2031-05-05T12:00:00Z");
const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString();

/** Fold rows of history as fold_history does, which needs transactions of its own. */
async function fold(db: Client, after: string): Promise<string> {
  const { until } = await queryOne<{ until: string }>(
    db,
    "select coalesce(max(history_id), 0)::text as until from triaged.task_history",
  );
  await db.query("select triaged.fold_rows($1, $2)", [after, until]);
  return until;
}

/** Tasks that wait and run for so many seconds each, and end one after the other. */
async function work(db: Client, runs: readonly { wait: number; run: number; outcome: string }[]) {
  const worker = await startWorker(db);
  let now = 0;
  for (const { wait, run, outcome } of runs) {
    await setClock(db, at(now));
    await enqueue(db, { max_attempts: 1 });
    await setClock(db, at((now += wait)));
    const task = found((await claimTasks(db, worker))[0]);
    await setClock(db, at((now += run)));
    await settle(db, [outcomeOf(task, outcome, { error: "no" })]);
  }
  return now;
}

const RUNS = Array.from({ length: 40 }, (_, place) => ({
  wait: 1 + (place % 3),
  run: 2 + (place % 5),
  outcome: place % 4 === 3 ? "fail" : "finish",
}));

const RANGES: readonly SeriesRange[] = ["5m", "1h", "24h", "7d"];

test.for(RANGES)(
  "the points of %s add up to what history holds, folded in whatever pieces",
  async (range, { db }) => {
    await setClock(db, at(0));
    const half = await work(db, RUNS);
    const after = await fold(db, "0");
    await setClock(db, at(half));
    await fold(db, after);

    const points = await readSeries(inSchema(db), range);

    const { seconds, step } = SERIES_RANGES[range];
    expect(points.length).toBeGreaterThanOrEqual(seconds / step);
    expect(points.length).toBeLessThanOrEqual(seconds / step + 1);
    const times = points.map((point) => point.at.getTime());
    expect(
      times.every((time, place) => place === 0 || time - (times[place - 1] ?? 0) === step * 1_000),
    ).toBe(true);
    const recorded = await query<{ event: string; status: string; at: Date }>(
      db,
      "select event, status, at from triaged.task_history",
    );
    const from = times[0] ?? 0;
    const count = (matches: (row: { event: string; status: string }) => boolean) =>
      recorded.filter((row) => row.at.getTime() >= from && matches(row)).length;
    const sum = (name: "enqueued" | "claimed" | "finished" | "failed" | "failed_attempts") =>
      points.reduce((total, point) => total + point[name], 0);
    expect(sum("enqueued")).toBe(count(({ event }) => event === "enqueue"));
    expect(sum("claimed")).toBe(count(({ event }) => event === "claim"));
    expect(sum("finished")).toBe(count(({ status }) => status === "finished"));
    expect(sum("failed")).toBe(count(({ status }) => status === "failed"));
    expect(sum("failed_attempts")).toBe(count(({ status }) => status === "failed"));

    // By the spans of these charts; then as an older version leaves rollups, without them.
    const known = () => readSeries(inSchema(db), range);
    await db.query("insert into triaged.rollup_progress (has_chart_spans) values (true)");
    expect(await known()).toEqual(points);
    await db.query("delete from triaged.series_rollups where span in ('15 minutes', '2 hours')");
    await db.query("update triaged.rollup_progress set has_chart_spans = false");
    expect(await known()).toEqual(points);
    await db.query("select triaged.add_chart_spans()");
    expect(await query(db, "select from triaged.rollup_progress where has_chart_spans")).toEqual([
      {},
    ]);
    expect(await known()).toEqual(points);
  },
);

test("quantiles of a step are those of its tasks, within 5 %", async ({ db }) => {
  await setClock(db, at(0));
  // An hour in whole minutes: of each task it is known in which it ended.
  const end = await work(db, RUNS);
  await setClock(db, at(end));
  await fold(db, "0");

  const points = await readSeries(inSchema(db), "7d");

  const last = points.find(({ finished }) => finished > 0);
  expect(last?.finished).toBe(30);
  const told = [
    [last?.wait_seconds_p50, 2],
    [last?.wait_seconds_p95, 3],
    [last?.run_seconds_p50, 4],
    [last?.run_seconds_p95, 6],
  ] as const;
  for (const [value, expected] of told) {
    expect(Math.abs((value ?? 0) / expected - 1)).toBeLessThan(0.05);
  }
});

test("a step without tasks has no quantiles, and counts of zero", async ({ db }) => {
  const points = await readSeries(inSchema(db), "5m");

  expect(points).not.toEqual([]);
  expect(
    points.every(({ finished, run_seconds_p95 }) => finished === 0 && run_seconds_p95 === null),
  ).toBe(true);
});

test("steps are kept for as long as charts draw them, and no longer", async ({ db }) => {
  await setClock(db, at(0));
  const end = await work(db, RUNS.slice(0, 3));
  await fold(db, "0");
  const spans = async () =>
    (await query(db, "select span from triaged.series_rollups group by span order by span")).map(
      ({ span }) => span,
    );
  expect(await spans()).toEqual(["10 seconds", "15 minutes", "2 hours", "hour", "minute"]);

  await setClock(db, at(end + 3 * 3_600));
  await db.query("select triaged.expire_series()");
  expect(await spans()).toEqual(["15 minutes", "2 hours", "hour", "minute"]);

  await setClock(db, at(end + 26 * 3_600));
  await db.query("select triaged.expire_series()");
  expect(await spans()).toEqual(["2 hours", "hour"]);

  await setClock(db, at(end + 195 * 3_600));
  await db.query("select triaged.expire_series()");
  expect(await spans()).toEqual(["hour"]);
});

test.for([
  { since: "1 hour", step: "1 second" },
  { since: "1 hour", step: "15 seconds" },
  { since: "1 day", step: "1 minute" },
  { since: "3 hours", step: "20 seconds" },
  { since: "-1 hour", step: "1 minute" },
])("steps of $step since $since ago are refused", async ({ since, step }, { db }) => {
  const { code } = await refusal(db, () =>
    db.query("select triaged.series_since(triaged.now() - $1::interval, $2::interval)", [
      since,
      step,
    ]),
  );

  expect(code).toBe("22023");
});
