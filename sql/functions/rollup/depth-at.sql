-- Depth as of a past instant, from history: what is there now, less what has moved since.

-- How many tasks waited and ran at an instant, by queue, type and status: those that queue_depth
-- would have counted then. Exact by the times of history, which are those at which transactions
-- began. It goes back 24 hours, and not before depth was first folded: raises 22023 for an earlier
-- instant, and for one to come. A task whose queue or type was changed by hand counts in its newest
-- ones; one that was dropped since, in queue ''.
create or replace function triaged.depth_at(at timestamptz)
returns table (queue text, task_type text, status text, count bigint)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  c_goes_back constant interval := interval '24 hours';
  c_moment constant interval := interval '1 microsecond';
  v_now timestamptz := triaged.now();
  v_known triaged.rollup_progress;
  -- Where whole ten seconds begin, and whole hours.
  v_from timestamptz := triaged.ten_seconds(depth_at.at) + interval '10 seconds';
  v_hour_from timestamptz := date_trunc('hour', v_from + interval '59 minutes 59 seconds', 'UTC');
begin
  select * into v_known from triaged.rollup_progress;

  if
    depth_at.at is null
    or depth_at.at > v_now
    or depth_at.at < v_now - c_goes_back
    or depth_at.at < coalesce(v_known.depth_since, 'infinity')
  then
    raise exception 'depth is known from % to now, not at %',
      coalesce(
        triaged.iso_time(greatest(v_known.depth_since, v_now - c_goes_back)), 'the first fold'
      ),
      coalesce(triaged.iso_time(depth_at.at), 'null')
      using errcode = '22023', hint = 'depth_at() goes back 24 hours.';
  end if;

  return query
  select queue, task_type, status, sum(count)::bigint
  from (
    select queue, task_type, status, count from triaged.depth_totals
    union all
    select queue, task_type, status, -change
    from triaged.depth_rollups
    where
      (span = 'hour' and starts_at >= v_hour_from)
      or (span = '10 seconds' and starts_at >= v_from and starts_at < v_hour_from)
    union all
    select queue, task_type, status, -change
    from triaged.depth_moves(0, v_known.folded_id, depth_at.at + c_moment, v_from)
    union all
    select queue, task_type, status, change
    from triaged.depth_moves(
      v_known.folded_id, 9223372036854775807, '-infinity', depth_at.at + c_moment
    )
  ) as known
  group by queue, task_type, status
  having sum(count) > 0
  order by queue, task_type, status;
end;
$$;

-- How depth changed by the rows of history of a range of ids, after the first and up to the last,
-- and of times: what entered each status of live tasks, less what left it, by ten seconds. What a
-- task entered and left within these counts nothing, and costs no look at it.
create or replace function triaged.depth_moves(
  p_after bigint,
  p_until bigint,
  p_since timestamptz,
  p_before timestamptz
)
returns table (at timestamptz, queue text, task_type text, status text, change bigint)
language plpgsql
stable
-- As ends_after.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  -- A task that moved at a time ended then or later: the bound names partitions to the planner. Of
  -- 10,000 rows beside 99 partitions this takes 0.6 s, and without the bound 1.2.
  v_oldest timestamptz := (
    select min(recorded.at)
    from triaged.task_history as recorded
    where
      history_id > p_after
      and history_id <= p_until
      and recorded.at >= p_since
      and recorded.at < p_before
  );
begin
  -- To plan what follows takes longer than most of what it reads.
  if v_oldest is null then
    return;
  end if;

  return query
  with steps as (
    select
      triaged.ten_seconds(recorded.at) as at, task_id, task_type, status as entered,
      case
        when event in ('enqueue', 'import', 'retry') then null
        when event = 'claim' then 'queued'
        when event in ('finish', 'fail', 'snooze', 'release', 'rescue', 'ask') then 'started'
        when event = 'decide' then 'needs_decision'
        -- A request moves nothing.
        when event = 'cancel' and status = 'started' then 'started'
        -- An attempt ended by it.
        when event = 'cancel' and duration_ms is not null then 'started'
        else (
          select earlier.status
          from triaged.task_history as earlier
          where earlier.task_id = recorded.task_id and earlier.history_id < recorded.history_id
          order by earlier.history_id desc
          limit 1
        )
      end as parted
    from triaged.task_history as recorded
    where
      history_id > p_after
      and history_id <= p_until
      and recorded.at >= p_since
      and recorded.at < p_before
      and event not in ('replace', 'change')
  ),
  moved as (
    select at, task_id, min(task_type) as task_type, status, sum(change) as change
    from (
      select at, task_id, task_type, entered as status, 1 as change from steps
      union all
      select at, task_id, task_type, parted, -1 from steps
    ) as either
    where status in ('queued', 'started', 'needs_decision')
    group by at, task_id, status
    having sum(change) <> 0
  )
  select
    moved.at,
    coalesce(
      (select live.queue from triaged.live_tasks as live where live.task_id = moved.task_id),
      (
        select ended.queue from triaged.final_tasks as ended
        where ended.task_id = moved.task_id and ended.ended_at >= v_oldest
        limit 1
      ),
      ''
    ) as queue,
    moved.task_type,
    moved.status,
    sum(moved.change)::bigint
  from moved
  group by 1, 2, 3, 4;
end;
$$;

-- Add the rows of history of a range of ids to depth_rollups and depth_totals.
create or replace function triaged.fold_depth(p_after bigint, p_until bigint)
returns void
language plpgsql
as $$
#variable_conflict use_column
begin
  with moves as materialized (
    select * from triaged.depth_moves(p_after, p_until, '-infinity', 'infinity')
  ),
  rolled as (
    insert into triaged.depth_rollups as known (
      span, starts_at, queue, task_type, status, change
    )
    select
      span, triaged.span_start(span, at), queue, task_type, status, sum(change)
    from moves
    cross join unnest(array['10 seconds', 'hour']) as kept (span)
    where at >= triaged.now() - interval '25 hours'
    group by 1, 2, 3, 4, 5
    on conflict (span, starts_at, queue, task_type, status) do update
    set change = known.change + excluded.change
  )
  insert into triaged.depth_totals as known (queue, task_type, status, count)
  select queue, task_type, status, sum(change)
  from moves
  group by queue, task_type, status
  on conflict (queue, task_type, status) do update
  set count = known.count + excluded.count;
end;
$$;

-- Set depth_totals to what the tasks themselves say, as of the last row that was folded: at first,
-- and from then on each ten minutes, since a queue or type that is changed by hand leaves no
-- history. For whoever holds the row of rollup_progress.
create or replace function triaged.count_totals()
returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  c_every constant interval := interval '10 minutes';
  v_now timestamptz := triaged.now();
  v_known triaged.rollup_progress;
begin
  select * into v_known from triaged.rollup_progress;

  -- Not where the clock of the server has gone back.
  if
    v_known.depth_since is not null
    and v_now >= v_known.depth_counted_at
    and v_now < v_known.depth_counted_at + c_every
  then
    return;
  end if;

  delete from triaged.depth_totals;

  -- One statement, and so one state of both.
  insert into triaged.depth_totals (queue, task_type, status, count)
  select queue, task_type, status, sum(count)
  from (
    select queue, task_type, status, count from triaged.counted_depth()
    union all
    select queue, task_type, status, -change
    from triaged.depth_moves(
      v_known.folded_id, 9223372036854775807, '-infinity', 'infinity'
    )
  ) as known
  group by queue, task_type, status
  having sum(count) <> 0;

  update triaged.rollup_progress
  set depth_since = coalesce(depth_since, v_now), depth_counted_at = v_now;

  delete from triaged.depth_rollups where starts_at < v_now - interval '26 hours';
end;
$$;
