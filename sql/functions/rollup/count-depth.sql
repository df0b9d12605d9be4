-- How many tasks are live, by queue, type and status: counted by whoever asks while they are few,
-- and by the jobs, for all who ask, while they are many.

-- How long to wait before so many tasks are counted again: a million take a third of a second to
-- count, and a count takes at most a fifteenth of the time.
create or replace function triaged.depth_pause(p_tasks bigint)
returns interval
language sql
immutable
as $$
  select make_interval(secs => p_tasks / 200000.0);
$$;

-- Count live tasks for queue_depth, where there are more than it counts by itself. Does nothing
-- where the last count was a moment ago, or another session counts.
create or replace function triaged.count_depth()
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set jit to off
as $$
declare
  -- Up to here, a count takes some milliseconds, and queue_depth counts.
  c_tasks_few constant integer := 20000;
  v_now timestamptz := triaged.now();
  v_known triaged.rollup_progress;
begin
  insert into triaged.rollup_progress default values on conflict do nothing;

  select * into v_known from triaged.rollup_progress
  for update skip locked;

  if
    not found
    -- Not where the clock of the server has gone back.
    or (
      v_now >= v_known.counted_at
      and v_now < v_known.counted_at + triaged.depth_pause(v_known.counted_tasks)
    )
  then
    return;
  end if;

  delete from triaged.depth_counts;

  if (
    select count(*) > c_tasks_few
    from (select from triaged.live_tasks limit c_tasks_few + 1) as found
  ) then
    insert into triaged.depth_counts (queue, task_type, status, count, due, oldest_run_at)
    select * from triaged.counted_depth();
  end if;

  update triaged.rollup_progress
  set
    counted_at = v_now,
    counted_tasks = coalesce((select sum(count) from triaged.depth_counts), 0);
end;
$$;

-- Count live tasks now.
create or replace function triaged.counted_depth()
returns table (
  queue text, task_type text, status text, count bigint, due bigint, oldest_run_at timestamptz
)
language plpgsql
stable
set jit to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  return query
  select
    queue,
    task_type,
    status,
    count(*),
    count(*) filter (where status = 'queued' and run_at <= v_now),
    min(run_at) filter (where status = 'queued' and run_at <= v_now)
  from triaged.live_tasks
  group by queue, task_type, status;
end;
$$;

-- The rows of the view queue_depth: those of the last count, while it is new and live tasks are
-- many; else they are counted now.
create or replace function triaged.known_depth()
returns table (
  queue text, task_type text, status text, count bigint, due bigint, oldest_run_at timestamptz,
  counted_at timestamptz
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Beyond the pause between two counts. After that, nobody counts for others any more.
  c_late_max constant interval := interval '1 minute';
  v_now timestamptz := triaged.now();
  v_counted_at timestamptz;
begin
  select known.counted_at into v_counted_at
  from triaged.rollup_progress as known
  where
    known.counted_at <= v_now
    and known.counted_at > v_now - triaged.depth_pause(known.counted_tasks) - c_late_max
    and exists (select from triaged.depth_counts);

  if found then
    return query
    select queue, task_type, status, count, due, oldest_run_at, v_counted_at
    from triaged.depth_counts;
  else
    return query
    select counted.*, v_now from triaged.counted_depth() as counted;
  end if;
end;
$$;
