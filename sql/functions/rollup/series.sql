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

  return true;
end;
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
  select case
    when p_span = '10 seconds' then triaged.ten_seconds(p_at) else date_trunc(p_span, p_at, 'UTC')
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
  v_span text;
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
  v_span := case
    when v_seconds % 3600 = 0 then 'hour' when v_seconds % 60 = 0 then 'minute' else '10 seconds'
  end;

  if
    p_since is null or not isfinite(p_since) or p_since > v_now
    or (extract(epoch from v_now - p_since) / v_seconds) > c_steps_max
  then
    raise exception 'expected at most % steps of % up to now', c_steps_max, p_step
      using errcode = '22023';
  end if;

  v_from := date_bin(p_step, p_since, timestamptz 'epoch');

  if v_from < (select since - p_step from triaged.series_spans() where span = v_span) then
    raise exception 'steps of % are no longer kept since %', p_step, p_since
      using errcode = '22023', hint = 'Ten seconds are kept for 2 hours, minutes for 25.';
  end if;

  return query
  with steps as (
    select at from generate_series(v_from, v_now, p_step) as at
  ),
  known as materialized (
    select date_bin(p_step, starts_at, timestamptz 'epoch') as at, series.*
    from triaged.series_rollups as series
    where span = v_span and starts_at >= v_from
  ),
  counts as (
    select
      at, sum(enqueued)::bigint as enqueued, sum(claimed)::bigint as claimed,
      sum(failed_attempts)::bigint as failed_attempts, sum(finished)::bigint as finished,
      sum(failed)::bigint as failed, sum(cancelled)::bigint as cancelled
    from known
    group by at
  ),
  cells as (
    -- 0 is what ran, 1 what waited: to compare numbers takes half as long as texts.
    select at, 0 as measure, unnest(run_cells) as cell, unnest(run_counts) as values_in
    from known
    union all
    select at, 1, unnest(wait_cells), unnest(wait_counts)
    from known
  ),
  merged as (
    select
      at, measure, cell,
      sum(values_in) over (partition by at, measure order by cell) as upto,
      sum(values_in) over (partition by at, measure) as total
    from (
      select at, measure, cell, sum(values_in)::double precision as values_in
      from cells
      group by at, measure, cell
    ) as by_cell
  ),
  quantiles as (
    select
      at,
      min(cell) filter (where measure = 1 and upto >= 0.5::float8 * total) as wait_p50,
      min(cell) filter (where measure = 1 and upto >= 0.95::float8 * total) as wait_p95,
      min(cell) filter (where measure = 0 and upto >= 0.5::float8 * total) as run_p50,
      min(cell) filter (where measure = 0 and upto >= 0.95::float8 * total) as run_p95
    from merged
    group by at
  )
  select
    at, coalesce(counts.enqueued, 0), coalesce(counts.claimed, 0),
    coalesce(counts.failed_attempts, 0), coalesce(counts.finished, 0), coalesce(counts.failed, 0),
    coalesce(counts.cancelled, 0), triaged.histogram_value(wait_p50),
    triaged.histogram_value(wait_p95), triaged.histogram_value(run_p50),
    triaged.histogram_value(run_p95)
  from steps
  left join counts using (at)
  left join quantiles using (at)
  order by at;
end;
$$;
