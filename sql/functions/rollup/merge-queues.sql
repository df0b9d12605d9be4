-- Rollups of ends that older versions folded, by queue, become those that this one folds.

-- Merge the rows of each type and status in ended_rollups that have a queue, hour by hour from the
-- newest to the oldest, of some p_rows at a time. For a caller that has locked rollup_progress.
create or replace function triaged.merge_queues(p_rows integer default 2000)
returns void
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_from timestamptz := coalesce(
    (select merged_queues_from from triaged.rollup_progress), 'infinity'
  );
  v_before timestamptz := v_from;
  v_merged bigint := 0;
begin
  while v_from > '-infinity' and v_merged < p_rows loop
    v_from := coalesce(
      (
        select date_trunc('hour', max(newest.starts_at), 'UTC')
        from unnest(array['hour', 'minute']) as of (span)
        cross join lateral (
          select starts_at
          from triaged.ended_rollups as known
          where known.span = of.span and known.starts_at < v_from and known.queue <> ''
          order by known.starts_at desc
          limit 1
        ) as newest
      ),
      '-infinity'
    );

    v_merged := v_merged + triaged.merge_queues_of(v_from);
  end loop;

  if v_from <> v_before then
    update triaged.rollup_progress set merged_queues_from = v_from;
  end if;
end;
$$;

-- Merge the rows of an hour and of its minutes. Returns how many there were.
create or replace function triaged.merge_queues_of(p_hour timestamptz)
returns bigint
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_merged bigint;
begin
  with gone as materialized (
    delete from triaged.ended_rollups
    where
      span in ('hour', 'minute')
      and starts_at >= p_hour
      and starts_at < p_hour + interval '1 hour'
    returning *
  ),
  cells as (
    select span, starts_at, task_type, status, measure, cell, sum(values_in)::bigint as values_in
    from gone
    cross join lateral (
      select 'run' as measure, cell, values_in
      from unnest(run_cells, run_counts) as ran (cell, values_in)
      union all
      select 'wait', cell, values_in
      from unnest(wait_cells, wait_counts) as waited (cell, values_in)
    ) as each
    group by span, starts_at, task_type, status, measure, cell
  ),
  histograms as (
    select
      span, starts_at, task_type, status,
      array_agg(cell) filter (where measure = 'run') as run_cells,
      array_agg(values_in) filter (where measure = 'run') as run_counts,
      array_agg(cell) filter (where measure = 'wait') as wait_cells,
      array_agg(values_in) filter (where measure = 'wait') as wait_counts
    from cells
    group by span, starts_at, task_type, status
  ),
  merged as (
    insert into triaged.ended_rollups (
      span, starts_at, queue, task_type, status, count, last_at, run_count, run_sum, run_min,
      run_max, wait_min, wait_max, run_cells, run_counts, wait_cells, wait_counts
    )
    select
      span, starts_at, '', task_type, status, count, last_at, run_count, run_sum, run_min, run_max,
      wait_min, wait_max, coalesce(run_cells, '{}'), coalesce(run_counts, '{}'),
      coalesce(wait_cells, '{}'), coalesce(wait_counts, '{}')
    from (
      select
        span, starts_at, task_type, status, sum(count)::bigint as count, max(last_at) as last_at,
        sum(run_count)::bigint as run_count, sum(run_sum) as run_sum, min(run_min) as run_min,
        max(run_max) as run_max, min(wait_min) as wait_min, max(wait_max) as wait_max
      from gone
      group by span, starts_at, task_type, status
    ) as plain
    left join histograms using (span, starts_at, task_type, status)
  )
  select count(*) into v_merged from gone;

  return v_merged;
end;
$$;
