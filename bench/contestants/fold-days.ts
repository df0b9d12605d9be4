/** How history of many days comes into the rollups. */
import type { Client } from "pg";
import { inSchema } from "../../src/database/database.ts";
import { countDepth, foldHistory } from "../../src/database/retention.ts";

/** Final tasks ended within so many days, up to the moment when the last of them are made. */
export const DAYS = 30;
const FOLD_ROWS_MAX = 50_000;
/** So many of the first days are folded, and again what ended since so many days ago. */
export const FOLDED_FIRST = 3;
export const FOLDED_UNTIL = 1;

/** The moments between which a day's tasks ended; the newest day ends now. */
export const REFERENCE = `(select done_at from bench.steps where step = 'workers and partitions')`;

/** Fold what history has that is new, as the jobs do, and say how long it took. */
export async function foldNew(
  client: Client,
  of: string,
  note: (text: string) => void,
): Promise<void> {
  const db = inSchema(client);
  const before = performance.now();
  let folded = 0;
  for (let rows = FOLD_ROWS_MAX; rows >= FOLD_ROWS_MAX; folded += rows) {
    rows = await foldHistory(db, { rowsMax: FOLD_ROWS_MAX });
  }
  const foldMs = performance.now() - before;
  await countDepth(db);
  if (folded === 0) return;
  await db.query({
    text: `vacuum analyze triaged.ended_rollups, triaged.created_ranges, triaged.day_histograms,
             triaged.event_rollups, triaged.failure_rollups, triaged.series_rollups,
             triaged.depth_rollups, triaged.depth_totals`,
  });
  note(
    `${of}: ${folded.toLocaleString("en")} rows of history folded in ${(foldMs / 1_000).toFixed(1)} s`,
  );
}

/**
 * Fold what comes up to some days ago as the day before the third was: by whole hours, a day is
 * like another one of $1 tasks. What comes behind that is left to the fold.
 */
export const ALIKE = `
  with bound as materialized (
    select
      date_trunc('hour', at, 'UTC') - interval '${DAYS - 2} days' as source_from,
      date_trunc('hour', at, 'UTC') - interval '${DAYS - 3} days' as source_until,
      date_trunc('hour', at, 'UTC') - interval '${FOLDED_UNTIL} days' as until
    from ${REFERENCE} as reference (at)
  ),
  shift as (
    select days, days * interval '1 day' as by
    from generate_series(1, ${DAYS - 3 - FOLDED_UNTIL}) as days
  ),
  ended as (
    insert into triaged.ended_rollups
    select span, starts_at + by, queue, task_type, status, count, last_at + by, run_count, run_sum,
      run_min, run_max, wait_min, wait_max, run_cells, run_counts, wait_cells, wait_counts
    from triaged.ended_rollups, bound, shift
    where span = 'hour' and starts_at >= source_from and starts_at < source_until
    on conflict on constraint ended_rollups_pkey do update
    set count = excluded.count, last_at = excluded.last_at, run_count = excluded.run_count,
      run_sum = excluded.run_sum, run_cells = excluded.run_cells, run_counts = excluded.run_counts,
      wait_cells = excluded.wait_cells, wait_counts = excluded.wait_counts
  ),
  ranges as (
    insert into triaged.created_ranges
    select span, starts_at + by, queue, task_type, status, oldest_at + by, newest_at + by
    from triaged.created_ranges, bound, shift
    where starts_at >= source_from and starts_at < source_until
    on conflict on constraint created_ranges_pkey do update
    set oldest_at = excluded.oldest_at, newest_at = excluded.newest_at
  ),
  events as (
    insert into triaged.event_rollups
    select span, starts_at + by, event, count
    from triaged.event_rollups, bound, shift
    where span = 'hour' and starts_at >= source_from and starts_at < source_until
    on conflict on constraint event_rollups_pkey do update set count = excluded.count
  ),
  failures as (
    insert into triaged.failure_rollups
    select span, starts_at + by, task_type, cause, count, ended, last_at + by,
      last_task_id + days * $1::bigint
    from triaged.failure_rollups, bound, shift
    where span = 'hour' and starts_at >= source_from and starts_at < source_until
    on conflict on constraint failure_rollups_pkey do update
    set count = excluded.count, ended = excluded.ended, last_at = excluded.last_at,
      last_task_id = excluded.last_task_id
  ),
  series as (
    insert into triaged.series_rollups
    select span, starts_at + by, enqueued, claimed, failed_attempts, finished, failed, cancelled,
      run_cells, run_counts, wait_cells, wait_counts, run_p50, run_p95, wait_p50, wait_p95
    from triaged.series_rollups, bound, shift
    where span in ('hour', '2 hours') and starts_at >= source_from and starts_at < source_until
    on conflict on constraint series_rollups_pkey do update
    set enqueued = excluded.enqueued, claimed = excluded.claimed,
      failed_attempts = excluded.failed_attempts, finished = excluded.finished,
      failed = excluded.failed, cancelled = excluded.cancelled, run_cells = excluded.run_cells,
      run_counts = excluded.run_counts, wait_cells = excluded.wait_cells,
      wait_counts = excluded.wait_counts, run_p50 = excluded.run_p50, run_p95 = excluded.run_p95,
      wait_p50 = excluded.wait_p50, wait_p95 = excluded.wait_p95
  )
  update triaged.rollup_progress
  set folded_id = (
    select max(history_id) from triaged.task_history
    where at < (select until from bound) and at >= (select until from bound) - interval '1 hour'
  )`;
