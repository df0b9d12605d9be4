-- Tasks that ended since a time, by type and status: the rows of the view task_statistics. Counted
-- by whole minutes, the first of which begins after that time; by whole hours where minutes are no
-- longer kept. Rollups have all but what history recorded since the last fold, and that is read.
-- Quantiles are within 5 %.
create or replace function triaged.ended_since(p_since timestamptz)
returns table (
  task_type text,
  status text,
  count bigint,
  avg_duration_seconds double precision,
  last_completed timestamptz,
  per_minute numeric,
  share double precision,
  wait_seconds_p50 double precision,
  wait_seconds_p95 double precision,
  run_seconds_p50 double precision,
  run_seconds_p95 double precision
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set jit to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  -- A transaction that began later may have ended its tasks already.
  v_until timestamptz := v_now + interval '1 hour';
  v_folded_id bigint := coalesce((select folded_id from triaged.rollup_progress), 0);
  v_from timestamptz := date_trunc('minute', p_since, 'UTC') + interval '1 minute';
  v_hour_ago timestamptz := date_trunc('minute', v_now, 'UTC') - interval '59 minutes';
  v_whole_from timestamptz;
begin
  if v_from < (select since from triaged.rollup_spans() where span = 'minute') then
    v_from := date_trunc('hour', v_from, 'UTC');
  end if;

  -- Where whole hours begin.
  v_whole_from := date_trunc('hour', v_from + interval '59 minutes', 'UTC');

  return query
  with folded as materialized (
    select * from triaged.ended_rollups
    where span = 'hour' and starts_at >= v_whole_from and starts_at < v_until
    union all
    select * from triaged.ended_rollups
    where
      span = 'minute' and starts_at >= v_from
      and starts_at < least(v_whole_from, v_until)
  ),
  since_then as materialized (
    select *
    from triaged.ends_after(v_folded_id, 9223372036854775807, v_from, v_until)
  ),
  counts as (
    select task_type, status, count, run_count, run_sum, last_at, 0::bigint as recent_count,
      run_min, run_max, wait_min, wait_max
    from folded
    union all
    select
      task_type, status, count(*), count(run_seconds), coalesce(sum(run_seconds), 0), max(at),
      count(*) filter (where at >= v_hour_ago),
      min(run_seconds), max(run_seconds), min(wait_seconds), max(wait_seconds)
    from since_then
    group by task_type, status
    union all
    select
      task_type, status, 0, 0, 0, null, count, null, null, null, null
    from triaged.ended_rollups
    where
      span = 'minute' and starts_at >= greatest(v_from, v_hour_ago) and starts_at < v_until
  ),
  totals as (
    select
      task_type, status, sum(count)::bigint as count, sum(run_count)::bigint as run_count,
      sum(run_sum) as run_sum, max(last_at) as last_at, sum(recent_count) as recent_count,
      min(run_min) as run_min, max(run_max) as run_max,
      min(wait_min) as wait_min, max(wait_max) as wait_max
    from counts
    group by task_type, status
  ),
  cells as (
    select task_type, status, 'run' as measure, run.cell, run.values_in
    from folded cross join unnest(run_cells, run_counts) as run (cell, values_in)
    union all
    select task_type, status, 'wait', wait.cell, wait.values_in
    from folded cross join unnest(wait_cells, wait_counts) as wait (cell, values_in)
    union all
    select task_type, status, 'run', triaged.histogram_cell(run_seconds), count(*)
    from since_then
    where run_seconds is not null
    group by 1, 2, 3, 4
    union all
    select task_type, status, 'wait', triaged.histogram_cell(wait_seconds), count(*)
    from since_then
    where wait_seconds is not null
    group by 1, 2, 3, 4
  ),
  merged as (
    select
      task_type, status, measure, triaged.histogram_value(cell) as value,
      -- How many values lie up to the end of this cell, and how many there are.
      sum(sum(values_in)) over (partition by task_type, status, measure order by cell) as upto,
      sum(sum(values_in)) over (partition by task_type, status, measure) as total
    from cells
    group by task_type, status, measure, cell
  ),
  quantiles as (
    select
      task_type,
      status,
      measure,
      -- As percentile_cont: between the two values on either side.
      min(value) filter (where upto > floor(0.5 * (total - 1))) as p50_below,
      min(value) filter (where upto > ceil(0.5 * (total - 1))) as p50_above,
      max(0.5 * (total - 1) - floor(0.5 * (total - 1)))::double precision as p50_between,
      min(value) filter (where upto > floor(0.95 * (total - 1))) as p95_below,
      min(value) filter (where upto > ceil(0.95 * (total - 1))) as p95_above,
      max(0.95 * (total - 1) - floor(0.95 * (total - 1)))::double precision as p95_between
    from merged
    group by task_type, status, measure
  )
  select
    totals.task_type,
    totals.status,
    totals.count,
    totals.run_sum / nullif(totals.run_count, 0),
    totals.last_at,
    totals.recent_count / 60.0,
    totals.count::double precision / sum(totals.count) over (partition by totals.task_type),
    least(greatest(wait.p50_below + (wait.p50_above - wait.p50_below) * wait.p50_between,
      totals.wait_min), totals.wait_max),
    least(greatest(wait.p95_below + (wait.p95_above - wait.p95_below) * wait.p95_between,
      totals.wait_min), totals.wait_max),
    least(greatest(run.p50_below + (run.p50_above - run.p50_below) * run.p50_between,
      totals.run_min), totals.run_max),
    least(greatest(run.p95_below + (run.p95_above - run.p95_below) * run.p95_between,
      totals.run_min), totals.run_max)
  from totals
  left join quantiles as wait
    on wait.task_type = totals.task_type and wait.status = totals.status and wait.measure = 'wait'
  left join quantiles as run
    on run.task_type = totals.task_type and run.status = totals.status and run.measure = 'run'
  where totals.count > 0;
end;
$$;
