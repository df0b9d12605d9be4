-- Histograms of durations, and those of the last day merged. Their cells are 10 % wide, so each
-- value is known within 5 %, and two histograms merge by adding.

-- The cell of a duration in seconds: 0 for none, n for up to 1 us * 1.1 ^ n. The last one is for
-- 80 years and more.
create or replace function triaged.histogram_cell(p_seconds double precision)
returns integer
language sql
immutable
as $$
  select case
    when p_seconds < 1e-6 then 0
    when p_seconds < 2.5e9 then greatest(1, ceil(ln(p_seconds / 1e-6) / ln(1.1::float8)))::integer
    else 372
  end;
$$;

-- Two histograms as one. The planner takes the body in place of a call.
create or replace function triaged.sum_histograms(
  p_cells integer[],
  p_counts bigint[],
  p_more_cells integer[],
  p_more_counts bigint[]
)
returns table (cells integer[], counts bigint[])
language sql
immutable
as $$
  select coalesce(array_agg(cell), '{}'), coalesce(array_agg(values_in), '{}')
  from (
    select cell, sum(values_in)::bigint as values_in
    from unnest(p_cells || p_more_cells, p_counts || p_more_counts) as either (cell, values_in)
    group by cell
  ) as merged;
$$;

-- Merge the whole hours of the last 24, if an hour has passed or a fold has added to one of them:
-- the histograms of all, and the counts of all but the first. ended_since reads what this writes.
create or replace function triaged.merge_day()
returns void
language plpgsql
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_from timestamptz := triaged.first_hour(v_now - interval '24 hours');
  v_until timestamptz := date_trunc('hour', v_now, 'UTC');
  v_count bigint := coalesce(
    (
      select sum(count)
      from triaged.ended_rollups
      where span = 'hour' and starts_at >= v_from and starts_at < v_until
    ),
    0
  );
begin
  if exists (
    select from triaged.rollup_progress
    where merged_from = v_from and merged_until = v_until and merged_count = v_count
  ) and not exists (
    -- An older version has merged them.
    select from triaged.day_histograms where count is null
  ) then
    return;
  end if;

  delete from triaged.day_histograms;

  with cells as (
    select
      task_type, status, unnest(run_cells) as cell, unnest(run_counts) as values_in, 0 as of_wait
    from triaged.ended_rollups
    where span = 'hour' and starts_at >= v_from and starts_at < v_until
    union all
    select task_type, status, unnest(wait_cells), unnest(wait_counts), 1
    from triaged.ended_rollups
    where span = 'hour' and starts_at >= v_from and starts_at < v_until
  ),
  merged as (
    select task_type, status, of_wait, cell, sum(values_in)::bigint as values_in
    from cells
    group by task_type, status, of_wait, cell
  ),
  merged_hours as (
    select
      task_type,
      status,
      array_agg(cell order by cell) filter (where of_wait = 0) as run_cells,
      array_agg(values_in order by cell) filter (where of_wait = 0) as run_counts,
      array_agg(cell order by cell) filter (where of_wait = 1) as wait_cells,
      array_agg(values_in order by cell) filter (where of_wait = 1) as wait_counts
    from merged
    group by task_type, status
  )
  insert into triaged.day_histograms (
    task_type, status, run_cells, run_counts, wait_cells, wait_counts, count, last_at, run_count,
    run_sum, run_min, run_max, wait_min, wait_max
  )
  select
    task_type,
    status,
    coalesce(merged_hours.run_cells, '{}'),
    coalesce(merged_hours.run_counts, '{}'),
    coalesce(merged_hours.wait_cells, '{}'),
    coalesce(merged_hours.wait_counts, '{}'),
    coalesce(sum(count) filter (where starts_at > v_from), 0),
    max(last_at),
    coalesce(sum(run_count) filter (where starts_at > v_from), 0),
    coalesce(sum(run_sum) filter (where starts_at > v_from), 0),
    min(run_min),
    max(run_max),
    min(wait_min),
    max(wait_max)
  from triaged.ended_rollups
  left join merged_hours using (task_type, status)
  where span = 'hour' and starts_at >= v_from and starts_at < v_until
  group by
    task_type, status, merged_hours.run_cells, merged_hours.run_counts, merged_hours.wait_cells,
    merged_hours.wait_counts;

  update triaged.rollup_progress
  set merged_from = v_from, merged_until = v_until, merged_count = v_count;
end;
$$;

-- The hour of the first whole minute after a time.
create or replace function triaged.first_hour(p_since timestamptz)
returns timestamptz
language sql
immutable
as $$
  select date_trunc(
    'hour', date_trunc('minute', p_since, 'UTC') + interval '1 minute', 'UTC'
  );
$$;

-- The value in the middle of a cell, in seconds: no value of the cell is 5 % away from it.
create or replace function triaged.histogram_value(p_cell integer)
returns double precision
language sql
immutable
as $$
  select case when p_cell = 0 then 0 else 1e-6 * power(1.1::float8, p_cell - 0.5) end;
$$;
