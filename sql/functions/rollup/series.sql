-- Series: what charts draw. fold_series adds to series_rollups, series_since reads them.

-- Add the rows of history of a range of ids but for ends, which fold_ends adds: grouped by ten
-- seconds first, so that longer spans are sums of a few rows.
create or replace function triaged.fold_series(p_after bigint, p_until bigint)
returns void
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  insert into triaged.series_rollups as known (
    span, starts_at, enqueued, claimed, failed_attempts
  )
  select
    span, triaged.span_start(span, at) as starts_at, sum(enqueued), sum(claimed),
    sum(failed_attempts)
  from (
    select
      triaged.ten_seconds(at) as at,
      count(*) filter (where event = 'enqueue') as enqueued,
      count(*) filter (where event = 'claim') as claimed,
      count(*) filter (where triaged.is_failure(event, status)) as failed_attempts
    from triaged.task_history
    where history_id > p_after and history_id <= p_until
    group by 1
  ) as events
  cross join triaged.series_spans() as kept (span, since)
  where at >= since
  group by 1, 2
  on conflict (span, starts_at) do update
  set
    enqueued = known.enqueued + excluded.enqueued,
    claimed = known.claimed + excluded.claimed,
    failed_attempts = known.failed_attempts + excluded.failed_attempts;
end;
$$;

-- Add tasks that ended, by ten seconds, status and cells. Returns true.
create or replace function triaged.add_ends_to_series(
  p_ats timestamptz[],
  p_statuses text[],
  p_run_cells integer[],
  p_wait_cells integer[],
  p_counts bigint[]
)
returns boolean
language plpgsql
as $$
#variable_conflict use_column
begin
  with spans as materialized (
    select span, triaged.span_start(span, at) as starts_at, status, run_cell, wait_cell, count
    from unnest(p_ats, p_statuses, p_run_cells, p_wait_cells, p_counts)
      as ended (at, status, run_cell, wait_cell, count)
    cross join triaged.series_spans() as kept (span, since)
    where at >= since
  ),
  counts as (
    select
      span, starts_at,
      coalesce(sum(count) filter (where status = 'finished'), 0) as finished,
      coalesce(sum(count) filter (where status = 'failed'), 0) as failed,
      coalesce(sum(count) filter (where status = 'cancelled'), 0) as cancelled
    from spans
    group by span, starts_at
  ),
  run as (
    select span, starts_at, array_agg(run_cell) as cells, array_agg(values_in) as counts
    from (
      select span, starts_at, run_cell, sum(count)::bigint as values_in
      from spans where run_cell is not null
      group by span, starts_at, run_cell
    ) as by_cell
    group by span, starts_at
  ),
  wait as (
    select span, starts_at, array_agg(wait_cell) as cells, array_agg(values_in) as counts
    from (
      select span, starts_at, wait_cell, sum(count)::bigint as values_in
      from spans where wait_cell is not null
      group by span, starts_at, wait_cell
    ) as by_cell
    group by span, starts_at
  )
  insert into triaged.series_rollups as known (
    span, starts_at, finished, failed, cancelled, run_cells, run_counts, wait_cells, wait_counts
  )
  select
    span, starts_at, finished, failed, cancelled, coalesce(run.cells, '{}'),
    coalesce(run.counts, '{}'), coalesce(wait.cells, '{}'), coalesce(wait.counts, '{}')
  from counts
  left join run using (span, starts_at)
  left join wait using (span, starts_at)
  on conflict (span, starts_at) do update
  set
    finished = known.finished + excluded.finished,
    failed = known.failed + excluded.failed,
    cancelled = known.cancelled + excluded.cancelled,
    (run_cells, run_counts) = (
      select cells, counts
      from triaged.sum_histograms(
        known.run_cells, known.run_counts, excluded.run_cells, excluded.run_counts
      )
    ),
    (wait_cells, wait_counts) = (
      select cells, counts
      from triaged.sum_histograms(
        known.wait_cells, known.wait_counts, excluded.wait_cells, excluded.wait_counts
      )
    );

  update triaged.series_rollups as series
  set
    run_p50 = triaged.quantile_cell(run_cells, run_counts, 0.5),
    run_p95 = triaged.quantile_cell(run_cells, run_counts, 0.95),
    wait_p50 = triaged.quantile_cell(wait_cells, wait_counts, 0.5),
    wait_p95 = triaged.quantile_cell(wait_cells, wait_counts, 0.95)
  from (
    select distinct span, triaged.span_start(span, at) as starts_at
    from unnest(p_ats) as ended (at)
    cross join triaged.series_spans() as kept (span, since)
    where at >= since
  ) as touched
  where series.span = touched.span and series.starts_at = touched.starts_at;

  return true;
end;
$$;

-- The cell of a histogram that a quantile lies in; null where it is empty.
create or replace function triaged.quantile_cell(
  p_cells integer[], p_counts bigint[], p_quantile double precision
)
returns integer
language sql
immutable
as $$
  select min(cell)
  from (
    select
      cell, sum(values_in) over (order by cell) as upto, sum(values_in) over () as total
    from unnest(p_cells, p_counts) as known (cell, values_in)
  ) as cells
  where upto >= p_quantile * total;
$$;

-- Delete what charts no longer draw.
create or replace function triaged.expire_series()
returns void
language plpgsql
as $$
begin
  delete from triaged.series_rollups as series
  using triaged.series_spans() as kept
  where series.span = kept.span and series.starts_at < kept.since;
end;
$$;

-- The spans that series count by, and since when each is kept.
create or replace function triaged.series_spans()
returns table (span text, since timestamptz)
language sql
stable
as $$
  values
    ('10 seconds', triaged.now() - interval '2 hours'),
    ('minute', triaged.now() - interval '25 hours'),
    ('15 minutes', triaged.now() - interval '25 hours'),
    ('2 hours', triaged.now() - interval '192 hours'),
    ('hour', triaged.now() - interval '9600 hours');
$$;

-- When the ten seconds began that a time lies in.
create or replace function triaged.ten_seconds(p_at timestamptz)
returns timestamptz
language sql
immutable
as $$
  select date_bin('10 seconds', p_at, timestamptz 'epoch');
$$;

-- When the span began that a time lies in.
create or replace function triaged.span_start(p_span text, p_at timestamptz)
returns timestamptz
language sql
immutable
as $$
  select case p_span
    when '10 seconds' then triaged.ten_seconds(p_at)
    when '15 minutes' then date_bin('15 minutes', p_at, timestamptz 'epoch')
    when '2 hours' then date_bin('2 hours', p_at, timestamptz 'epoch')
    else date_trunc(p_span, p_at, 'UTC')
  end;
$$;

-- Add what an older version folded to the spans that it did not have, and find the quantiles of
-- each row that a chart reads by itself. Once, before what is new is
-- added to them; for a caller that has locked rollup_progress.
create or replace function triaged.add_chart_spans()
returns void
language plpgsql
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  if exists (select from triaged.rollup_progress where has_chart_spans) then
    return;
  end if;

  delete from triaged.series_rollups where span in ('15 minutes', '2 hours');

  with finer as materialized (
    select
      added.span, triaged.span_start(added.span, starts_at) as at, enqueued, claimed,
      failed_attempts, finished, failed, cancelled, run_cells, run_counts, wait_cells, wait_counts
    from (values ('15 minutes', 'minute'), ('2 hours', 'hour')) as added (span, of_span)
    join triaged.series_rollups as known on known.span = added.of_span
    join triaged.series_spans() as kept (span, since) on kept.span = added.span
    where starts_at >= since
  ),
  cells as (
    select span, at, 0 as of_wait, unnest(run_cells) as cell, unnest(run_counts) as values_in
    from finer
    union all
    select span, at, 1, unnest(wait_cells), unnest(wait_counts)
    from finer
  ),
  histograms as (
    select
      span, at,
      array_agg(cell) filter (where of_wait = 0) as run_cells,
      array_agg(values_in) filter (where of_wait = 0) as run_counts,
      array_agg(cell) filter (where of_wait = 1) as wait_cells,
      array_agg(values_in) filter (where of_wait = 1) as wait_counts
    from (
      select span, at, of_wait, cell, sum(values_in)::bigint as values_in
      from cells
      group by span, at, of_wait, cell
    ) as by_cell
    group by span, at
  )
  insert into triaged.series_rollups (
    span, starts_at, enqueued, claimed, failed_attempts, finished, failed, cancelled, run_cells,
    run_counts, wait_cells, wait_counts
  )
  select
    span, at, sum(enqueued), sum(claimed), sum(failed_attempts), sum(finished), sum(failed),
    sum(cancelled), coalesce(histograms.run_cells, '{}'), coalesce(histograms.run_counts, '{}'),
    coalesce(histograms.wait_cells, '{}'), coalesce(histograms.wait_counts, '{}')
  from finer
  left join histograms using (span, at)
  group by
    span, at, histograms.run_cells, histograms.run_counts, histograms.wait_cells,
    histograms.wait_counts;

  update triaged.series_rollups
  set
    run_p50 = triaged.quantile_cell(run_cells, run_counts, 0.5),
    run_p95 = triaged.quantile_cell(run_cells, run_counts, 0.95),
    wait_p50 = triaged.quantile_cell(wait_cells, wait_counts, 0.5),
    wait_p95 = triaged.quantile_cell(wait_cells, wait_counts, 0.95)
  where span <> 'hour';

  update triaged.rollup_progress set has_chart_spans = true;
end;
$$;

-- What happened in each step of a time up to now, the oldest first, also where nothing did: one row
-- for each step, at most 1000. step is a whole number of ten seconds, minutes or hours; p50 and p95
-- are of the last attempts of tasks that ended in it, within 5 %. What was not folded yet,
-- of some seconds, is not counted. Raises 22023 for more steps than that, and for steps that are
-- no longer kept so fine.
create or replace function triaged.series_since(p_since timestamptz, p_step interval)
returns table (
  at timestamptz,
  enqueued bigint,
  claimed bigint,
  failed_attempts bigint,
  finished bigint,
  failed bigint,
  cancelled bigint,
  wait_seconds_p50 double precision,
  wait_seconds_p95 double precision,
  run_seconds_p50 double precision,
  run_seconds_p95 double precision
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  c_steps_max constant integer := 1000;
  v_now timestamptz := triaged.now();
  v_seconds bigint;
  v_has_chart_spans boolean;
  v_span text;
  -- Whether each step has one row.
  v_is_single boolean;
  v_from timestamptz;
begin
  if
    p_step is null or not p_step between interval '10 seconds' and interval '31 days'
    or extract(epoch from p_step) % 10 <> 0
  then
    raise exception 'expected step to be a whole number of ten seconds, minutes or hours'
      using errcode = '22023';
  end if;

  v_seconds := extract(epoch from p_step);

  if
    p_since is null or not isfinite(p_since) or p_since > v_now
    or (extract(epoch from v_now - p_since) / v_seconds) > c_steps_max
  then
    raise exception 'expected at most % steps of % up to now', c_steps_max, p_step
      using errcode = '22023';
  end if;

  v_from := date_bin(p_step, p_since, timestamptz 'epoch');
  -- The longest span that goes into the step, and back to that time.
  v_has_chart_spans := exists (select from triaged.rollup_progress where has_chart_spans);
  v_span := case
    when
      v_has_chart_spans and v_seconds % 7200 = 0
      and v_from >= (select since from triaged.series_spans() where span = '2 hours')
      then '2 hours'
    when v_seconds % 3600 = 0 then 'hour'
    when v_has_chart_spans and v_seconds % 900 = 0 then '15 minutes'
    when v_seconds % 60 = 0 then 'minute'
    else '10 seconds'
  end;
  v_is_single := v_seconds = case v_span
    when '10 seconds' then 10 when 'minute' then 60 when '15 minutes' then 900 when 'hour' then 3600
    when '2 hours' then 7200
  end;

  if v_from < (select since - p_step from triaged.series_spans() where span = v_span) then
    raise exception 'steps of % are no longer kept since %', p_step, p_since
      using errcode = '22023', hint = 'Ten seconds are kept for 2 hours, minutes for 25.';
  end if;

  return query
  with steps as (
    select at, row_number() over (order by at) - 1 as step
    from generate_series(v_from, v_now, p_step) as at
  ),
  known as materialized (
    select
      floor(extract(epoch from starts_at - v_from) / v_seconds)::integer as step, series.*
    from triaged.series_rollups as series
    where span = v_span and starts_at >= v_from
  ),
  counts as (
    select
      step, sum(enqueued)::bigint as enqueued, sum(claimed)::bigint as claimed,
      sum(failed_attempts)::bigint as failed_attempts, sum(finished)::bigint as finished,
      sum(failed)::bigint as failed, sum(cancelled)::bigint as cancelled
    from known
    group by step
  ),
  -- Where a step has several rows, or an older version has written it, histograms are merged. One
  -- number for the step and the cell: of what ran from 0 on, of what waited from 500 on.
  cells as (
    select step * 1000 + unnest(run_cells) as cell, unnest(run_counts) as values_in
    from known
    where not v_is_single or run_p50 is null
    union all
    select step * 1000 + 500 + unnest(wait_cells), unnest(wait_counts)
    from known
    where not v_is_single or wait_p50 is null
  ),
  upto as (
    select
      cell / 500 as measure, cell % 500 as cell,
      sum(values_in) over (partition by cell / 500 order by cell) as upto,
      sum(values_in) over (partition by cell / 500) as total
    from (
      select cell, sum(values_in)::double precision as values_in from cells group by cell
    ) as by_cell
  ),
  quantiles as (
    select
      measure,
      min(cell) filter (where upto >= 0.5::float8 * total) as p50,
      min(cell) filter (where upto >= 0.95::float8 * total) as p95
    from upto
    group by measure
    union all
    select step * 2, run_p50, run_p95 from known where v_is_single and run_p50 is not null
    union all
    select step * 2 + 1, wait_p50, wait_p95 from known where v_is_single and wait_p50 is not null
  )
  select
    at, coalesce(counts.enqueued, 0), coalesce(counts.claimed, 0),
    coalesce(counts.failed_attempts, 0), coalesce(counts.finished, 0), coalesce(counts.failed, 0),
    coalesce(counts.cancelled, 0), triaged.histogram_value(wait.p50),
    triaged.histogram_value(wait.p95), triaged.histogram_value(run.p50),
    triaged.histogram_value(run.p95)
  from steps
  left join counts using (step)
  left join quantiles as run on run.measure = 2 * steps.step
  left join quantiles as wait on wait.measure = 2 * steps.step + 1
  order by at;
end;
$$;
