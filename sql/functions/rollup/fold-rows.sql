-- What a fold adds to each rollup, and when a rollup is deleted.

-- Add the rows of history of a range of ids, after the first and up to the last, to each rollup.
-- Returns how many rows there were. The caller makes sure that they are added once.
create or replace function triaged.fold_rows(p_after bigint, p_until bigint)
returns integer
language plpgsql
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_rows integer;
begin
  with recorded as materialized (
    select at, event, task_id, task_type, status, detail
    from triaged.task_history
    where history_id > p_after and history_id <= p_until
  ),
  spans as (
    select span, recorded.*, date_trunc(span, at, 'UTC') as starts_at
    from recorded
    cross join triaged.rollup_spans() as kept (span, since)
    where at >= since
  ),
  events as (
    insert into triaged.event_rollups as known (span, starts_at, event, count)
    select span, starts_at, event, count(*)
    from spans
    group by span, starts_at, event
    on conflict (span, starts_at, event) do update set count = known.count + excluded.count
  ),
  failures as (
    insert into triaged.failure_rollups as known (
      span, starts_at, task_type, cause, count, ended, last_at, last_task_id
    )
    select
      span, starts_at, task_type, triaged.failure_cause(event, detail) as cause,
      count(*), count(*) filter (where status = 'failed'), max(at), max(task_id)
    from spans
    where triaged.is_failure(event, status)
    group by span, starts_at, task_type, cause
    on conflict (span, starts_at, task_type, cause) do update
    set
      count = known.count + excluded.count,
      ended = known.ended + excluded.ended,
      last_at = greatest(known.last_at, excluded.last_at),
      last_task_id = greatest(known.last_task_id, excluded.last_task_id)
  )
  select count(*) into v_rows from recorded;

  if v_rows > 0 then
    perform triaged.fold_ends(p_after, p_until);
    perform triaged.fold_ranges(p_after, p_until);
    perform triaged.fold_series(p_after, p_until);
    perform triaged.fold_depth(p_after, p_until);
  end if;

  return v_rows;
end;
$$;

-- Whether a row of history tells of an attempt that failed, or of a task that ended as failed.
create or replace function triaged.is_failure(p_event text, p_status text)
returns boolean
language sql
immutable
as $$
  select (p_event = 'fail' or p_status = 'failed') and p_event <> 'import';
$$;

-- The cause of a failure: the class that the worker said, else the event.
create or replace function triaged.failure_cause(p_event text, p_detail jsonb)
returns text
language sql
immutable
as $$
  select coalesce(
    left(p_detail ->> 'class', 100), case when p_event = 'fail' then 'unknown' else p_event end
  );
$$;

-- Add the tasks that ended, by the rows of history of a range of ids: by type and status, whatever
-- their queues.
create or replace function triaged.fold_ends(p_after bigint, p_until bigint)
returns void
language plpgsql
as $$
#variable_conflict use_column
begin
  with found as materialized (
    select
      *,
      triaged.histogram_cell(run_seconds) as run_cell,
      triaged.histogram_cell(wait_seconds) as wait_cell
    from triaged.ends_within(p_after, p_until, '-infinity', 'infinity')
  ),
  -- For charts: by ten seconds, of which longer spans are sums.
  series as (
    select triaged.add_ends_to_series(
      array_agg(at), array_agg(status), array_agg(run_cell), array_agg(wait_cell),
      array_agg(count)
    )
    from (
      select triaged.ten_seconds(at) as at, status, run_cell, wait_cell, count(*) as count
      from found
      group by 1, status, run_cell, wait_cell
    ) as grouped
    having count(*) > 0
  ),
  ended as materialized (
    select
      span, date_trunc(span, at, 'UTC') as starts_at, task_type, status, at, run_seconds,
      wait_seconds, run_cell, wait_cell
    from found
    cross join triaged.rollup_spans() as kept (span, since)
    where at >= since
  ),
  run as (
    select
      span, starts_at, task_type, status, array_agg(cell) as cells, array_agg(count) as counts
    from (
      select
        span, starts_at, task_type, status, run_cell as cell, count(*) as count
      from ended
      where span = 'hour' and run_seconds is not null
      group by span, starts_at, task_type, status, cell
    ) as by_cell
    group by span, starts_at, task_type, status
  ),
  wait as (
    select
      span, starts_at, task_type, status, array_agg(cell) as cells, array_agg(count) as counts
    from (
      select
        span, starts_at, task_type, status, wait_cell as cell, count(*) as count
      from ended
      where span = 'hour' and wait_seconds is not null
      group by span, starts_at, task_type, status, cell
    ) as by_cell
    group by span, starts_at, task_type, status
  )
  insert into triaged.ended_rollups as known (
    span, starts_at, queue, task_type, status, count, last_at, run_count, run_sum, run_min, run_max,
    wait_min, wait_max, run_cells, run_counts, wait_cells, wait_counts
  )
  select
    span, starts_at, '', task_type, status, plain.count, last_at, run_count, run_sum, run_min,
    run_max, wait_min, wait_max, coalesce(run.cells, '{}'), coalesce(run.counts, '{}'),
    coalesce(wait.cells, '{}'), coalesce(wait.counts, '{}')
  from (
    select
      span, starts_at, task_type, status, count(*) as count, max(at) as last_at,
      count(run_seconds) as run_count, coalesce(sum(run_seconds), 0) as run_sum,
      min(run_seconds) as run_min, max(run_seconds) as run_max,
      min(wait_seconds) as wait_min, max(wait_seconds) as wait_max
    from ended
    group by span, starts_at, task_type, status
  ) as plain
  left join run using (span, starts_at, task_type, status)
  left join wait using (span, starts_at, task_type, status)
  -- Referenced, or it would not run.
  where (select count(*) from series) >= 0
  on conflict (span, starts_at, queue, task_type, status) do update
  set
    count = known.count + excluded.count,
    last_at = greatest(known.last_at, excluded.last_at),
    run_count = known.run_count + excluded.run_count,
    run_sum = known.run_sum + excluded.run_sum,
    run_min = least(known.run_min, excluded.run_min),
    run_max = greatest(known.run_max, excluded.run_max),
    wait_min = least(known.wait_min, excluded.wait_min),
    wait_max = greatest(known.wait_max, excluded.wait_max),
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
end;
$$;

-- Note when the tasks were created that ended, or were imported, by the rows of history of a range
-- of ids: those that are final now. One that was retried since will end again.
create or replace function triaged.fold_ranges(p_after bigint, p_until bigint)
returns void
language plpgsql
-- As ends_within.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  insert into triaged.created_ranges as known (
    span, starts_at, queue, task_type, status, oldest_at, newest_at
  )
  select
    kept.span, date_trunc(kept.span, recorded.at, 'UTC') as starts_at, ended.queue,
    ended.task_type, ended.status, min(ended.created_at), max(ended.created_at)
  from triaged.task_history as recorded
  cross join lateral (
    select * from triaged.final_tasks as usual
    where usual.task_id = recorded.task_id and usual.ended_at = recorded.at
    union all
    -- Dated by hand, or by an import.
    select * from triaged.final_tasks as other
    where
      other.task_id = recorded.task_id
      and recorded.event in ('import', 'manual')
      and other.ended_at <> recorded.at
  ) as ended
  cross join triaged.rollup_spans(true) as kept (span, since)
  where
    recorded.history_id > p_after
    and recorded.history_id <= p_until
    and recorded.status in ('finished', 'failed', 'cancelled')
    and recorded.at >= kept.since
  group by kept.span, 2, ended.queue, ended.task_type, ended.status
  on conflict (span, starts_at, queue, task_type, status) do update
  set
    oldest_at = least(known.oldest_at, excluded.oldest_at),
    newest_at = greatest(known.newest_at, excluded.newest_at);
end;
$$;

-- Gone: it told the queue of each.
drop function if exists triaged.ends_after(bigint, bigint, timestamptz, timestamptz);

-- The tasks that ended, by the rows of history of a range of ids and of a range of times. Each row
-- is of one end; a task that was imported did not end here. How long it ran and waited is taken
-- from the task itself; of one that was retried since, or that retention has dropped, history has
-- how long it ran.
create or replace function triaged.ends_within(
  p_after bigint,
  p_until bigint,
  p_since timestamptz,
  p_before timestamptz
)
returns table (
  at timestamptz,
  task_type text,
  status text,
  run_seconds double precision,
  wait_seconds double precision
)
language plpgsql
stable
-- Planned with its bounds, so that it reads and locks the partitions of its time alone, and looks
-- for one task after the other: a join of another kind would read final_tasks whole.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  return query
  select
    recorded.at,
    recorded.task_type,
    recorded.status,
    coalesce(
      extract(epoch from ended.ended_at - ended.started_at)::double precision,
      recorded.duration_ms / 1000.0::double precision
    ),
    greatest(0, extract(epoch from ended.started_at - ended.run_at))::double precision
  from triaged.task_history as recorded
  left join triaged.final_tasks as ended
    on ended.task_id = recorded.task_id and ended.ended_at = recorded.at
    -- Says no more than the line before, but names partitions to the planner.
    and ended.ended_at >= p_since and ended.ended_at < p_before
  where
    recorded.history_id > p_after
    and recorded.history_id <= p_until
    and recorded.at >= p_since
    and recorded.at < p_before
    and recorded.status in ('finished', 'failed', 'cancelled')
    and recorded.event <> 'import';
end;
$$;

-- The spans of time that rollups count by, and since when each is kept: minutes for three days, and
-- hours for 400 days. Lists need the minutes of all final tasks that are kept, up to a month. Not
-- in SQL, which would be inlined and read the setting for each row.
create or replace function triaged.rollup_spans(p_of_lists boolean default false)
returns table (span text, since timestamptz)
language plpgsql
stable
as $$
declare
  v_minute_days integer := case
    when p_of_lists then least(31, greatest(3, triaged.retention_days('final_tasks') + 1))
    else 3
  end;
begin
  return query
  values
    ('minute', triaged.now() - v_minute_days * interval '24 hours'),
    ('hour', triaged.now() - interval '9600 hours');
end;
$$;

-- Delete rollups whose time is over.
create or replace function triaged.expire_rollups()
returns void
language plpgsql
as $$
declare
  v_kept record;
begin
  for v_kept in
    select span, since from triaged.rollup_spans()
  loop
    delete from triaged.ended_rollups where span = v_kept.span and starts_at < v_kept.since;
    delete from triaged.event_rollups where span = v_kept.span and starts_at < v_kept.since;
    delete from triaged.failure_rollups where span = v_kept.span and starts_at < v_kept.since;
  end loop;

  for v_kept in
    select span, since from triaged.rollup_spans(true)
  loop
    delete from triaged.created_ranges where span = v_kept.span and starts_at < v_kept.since;
  end loop;

  perform triaged.expire_series();
end;
$$;
