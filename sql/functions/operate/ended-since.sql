-- Tasks that ended since a time, by type and status: the rows of the view task_statistics. Counted
-- by whole minutes, the first of which begins after that time; by whole hours where minutes are no
-- longer kept. Rollups have all but what history recorded since the last fold, and that is read.
-- Quantiles are those of all hours that the time lies in, within 5 %.
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
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  -- A transaction that began later may have ended its tasks already.
  v_until timestamptz := v_now + interval '1 hour';
  v_folded_id bigint := coalesce((select folded_id from triaged.rollup_progress), 0);
  v_from timestamptz := date_trunc('minute', p_since, 'UTC') + interval '1 minute';
  v_hour_ago timestamptz := date_trunc('minute', v_now, 'UTC') - interval '59 minutes';
  v_this_hour timestamptz := date_trunc('hour', v_now, 'UTC');
  v_hour_from timestamptz;
  -- Before this, hours are merged; their counts but for those of the first hour.
  v_merged_until timestamptz;
  v_counted_from timestamptz;
  v_counted_until timestamptz;
  -- From here on hours are read each by itself.
  v_alone_from timestamptz;
  v_whole_from timestamptz;
begin
  if v_from < (select since from triaged.rollup_spans() where span = 'minute') then
    v_from := date_trunc('hour', v_from, 'UTC');
  end if;

  v_hour_from := date_trunc('hour', v_from, 'UTC');
  v_merged_until := (
    select merged_until from triaged.rollup_progress
    where
      merged_from = v_hour_from
      and not exists (select from triaged.day_histograms where count is null)
  );
  -- Where whole hours begin.
  v_whole_from := date_trunc('hour', v_from + interval '59 minutes', 'UTC');
  v_counted_from := v_hour_from + interval '1 hour';
  v_counted_until := greatest(v_merged_until, v_counted_from);
  v_alone_from := case
    when v_merged_until is not null and v_whole_from = v_counted_from then v_counted_until
    else v_whole_from
  end;

  return query
  with since_then as materialized (
    select *
    from triaged.ends_within(v_folded_id, 9223372036854775807, v_from, v_until)
  ),
  counts as (
    -- Whole hours: each by itself, but for those that are merged.
    select
      task_type, status, count, run_count, run_sum, last_at,
      case when starts_at >= v_this_hour then count else 0 end as recent_count,
      run_min, run_max, wait_min, wait_max
    from triaged.ended_rollups
    where
      span = 'hour'
      and starts_at >= v_alone_from
      and starts_at < v_until
      and (v_merged_until is null or starts_at < v_counted_from or starts_at >= v_counted_until)
    union all
    select
      task_type, status, count, run_count, run_sum, last_at, 0, run_min, run_max, wait_min, wait_max
    from triaged.day_histograms
    where v_merged_until is not null
    union all
    -- Minutes, of the part of an hour that the time begins with, and of the last hour.
    select
      task_type, status,
      case when starts_at < v_whole_from then count else 0 end,
      case when starts_at < v_whole_from then run_count else 0 end,
      case when starts_at < v_whole_from then run_sum else 0 end,
      last_at,
      case when starts_at >= v_hour_ago and starts_at < v_this_hour then count else 0 end,
      run_min, run_max, wait_min, wait_max
    from triaged.ended_rollups
    where
      span = 'minute'
      and starts_at >= v_from
      and starts_at < v_until
      and (starts_at < v_whole_from or (starts_at >= v_hour_ago and starts_at < v_this_hour))
    union all
    select
      task_type, status, count(*), count(run_seconds), coalesce(sum(run_seconds), 0), max(at),
      count(*) filter (where at >= v_hour_ago),
      min(run_seconds), max(run_seconds), min(wait_seconds), max(wait_seconds)
    from since_then
    group by task_type, status
  ),
  totals as materialized (
    select
      task_type, status, sum(count)::bigint as count, sum(run_count)::bigint as run_count,
      sum(run_sum) as run_sum, max(last_at) as last_at, sum(recent_count) as recent_count,
      min(run_min) as run_min, max(run_max) as run_max,
      min(wait_min) as wait_min, max(wait_max) as wait_max,
      -- With the cell one number, by which many cells are grouped in no time.
      (1000 * row_number() over (order by task_type, status))::integer as place
    from counts
    group by task_type, status
  ),
  histograms as (
    select task_type, status, run_cells, run_counts, wait_cells, wait_counts
    from triaged.ended_rollups
    -- Those of merged hours are wide, and not wanted.
    where
      span = 'hour' and starts_at >= coalesce(v_merged_until, v_hour_from) and starts_at < v_until
    union all
    select task_type, status, run_cells, run_counts, wait_cells, wait_counts
    from triaged.day_histograms
    where v_merged_until is not null
  ),
  -- Cells of what ran from 0 on, of what waited from 500 on.
  cells as (
    select place + unnest(run_cells) as cell, unnest(run_counts) as values_in
    from histograms join totals using (task_type, status)
    union all
    select place + 500 + unnest(wait_cells), unnest(wait_counts)
    from histograms join totals using (task_type, status)
    union all
    select place + triaged.histogram_cell(run_seconds), 1
    from since_then join totals using (task_type, status)
    where run_seconds is not null
    union all
    select place + 500 + triaged.histogram_cell(wait_seconds), 1
    from since_then join totals using (task_type, status)
    where wait_seconds is not null
  ),
  upto as (
    -- How many values lie up to the end of each cell, and how many there are.
    select
      cell / 500 as measure,
      cell % 500 as cell,
      sum(values_in) over (partition by cell / 500 order by cell) as upto,
      sum(values_in) over (partition by cell / 500) as total
    from (
      select cell, sum(values_in)::double precision as values_in from cells group by cell
    ) as by_cell
  ),
  found as (
    select
      measure,
      max(total) - 1 as last,
      -- As percentile_cont: the cells of the two values on either side.
      min(cell) filter (where upto > floor(0.5::float8 * (total - 1))) as p50_below,
      min(cell) filter (where upto > ceil(0.5::float8 * (total - 1))) as p50_above,
      min(cell) filter (where upto > floor(0.95::float8 * (total - 1))) as p95_below,
      min(cell) filter (where upto > ceil(0.95::float8 * (total - 1))) as p95_above
    from upto
    group by measure
  ),
  quantiles as (
    select
      measure,
      triaged.histogram_value(p50_below) as p50_below,
      triaged.histogram_value(p50_above) as p50_above,
      0.5::float8 * last - floor(0.5::float8 * last) as p50_between,
      triaged.histogram_value(p95_below) as p95_below,
      triaged.histogram_value(p95_above) as p95_above,
      0.95::float8 * last - floor(0.95::float8 * last) as p95_between
    from found
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
  left join quantiles as run on run.measure = totals.place / 500
  left join quantiles as wait on wait.measure = totals.place / 500 + 1
  where totals.count > 0;
end;
$$;
