-- Pages of final tasks.

-- Gone: with a repository.
drop function if exists triaged.newest_ended(
  text, text, text, bigint, bigint, text, text, timestamptz, timestamptz, bigint, integer
);

-- The page of list_tasks, of final tasks alone, in no order: among more than p_rows the newest.
--
-- Tasks that did not finish, children, and tasks of a context have indexes. For a type, a queue and
-- a worker an index would be written by each settle. They go by the index of all by created_at. For
-- a type or queue they read the ranges of it in which such tasks were created, as far as the fold
-- knows, and look by their history for tasks that ended since. For a worker they go back from its
-- end; where it ended few tasks among many of others, they read the pages that have any of it.
--
-- A task ended after it was created, so that those of a day lie in the partitions from that day on.
-- The page is looked for in the two newest days, and only then in all partitions: to plan
-- these takes longer than to read a page. Children are of one time, whichever that is.
create or replace function triaged.newest_ended(
  p_status text,
  p_task_type text,
  p_queue text,
  p_worker_id bigint,
  p_parent_task_id bigint,
  p_context_id text,
  p_created_at timestamptz,
  p_task_id bigint,
  p_rows integer
)
returns setof triaged.live_tasks
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_until timestamptz := triaged.now() + interval '1 hour';
  v_ranges tstzrange[] := array['(,)'::tstzrange];
  v_since_ids bigint[] := '{}';
  v_since timestamptz;
  v_from timestamptz := '-infinity';
  v_worker_until timestamptz;
  -- Nothing that was created before this can be on the page.
  v_floor timestamptz;
  v_base timestamptz := least(p_created_at, v_until);
  v_low timestamptz := p_created_at;
  v_high timestamptz;
  v_windows integer[] := case
    when p_parent_task_id is null then array[2, null] else array[null::integer]
  end;
  v_ended_from timestamptz;
  v_ended_until timestamptz := v_until;
  v_days integer;
  v_is_first boolean := true;
  v_by_ranges boolean := p_parent_task_id is null and p_context_id is null
    and (p_task_type is not null or p_queue is not null);
  -- There are more ranges than were asked for: their tasks may all have been retried since.
  v_is_cut boolean := false;
  v_ranges_max integer := p_rows;
  v_lived_from timestamptz;
  v_found bigint := 0;
  v_more bigint;
begin
  if p_status in ('queued', 'started', 'needs_decision') then
    return;
  end if;

  if p_worker_id is not null then
    -- Its tasks ended while it lived.
    select started_at - interval '1 hour', ended_at
    into v_from, v_worker_until
    from triaged.workers
    where worker_id = p_worker_id;
    v_from := coalesce(v_from, '-infinity');
    v_ranges := array[tstzrange(null, v_worker_until, '[]')];
  end if;

  -- What did not finish has an index, as children and tasks of a context have.
  if
    p_worker_id is not null and p_parent_task_id is null and p_context_id is null
    and (p_status is null or p_status = 'finished')
  then
    v_floor := triaged.worker_since(
      p_worker_id, p_status, v_from, v_worker_until, p_created_at, p_task_id, p_rows
    );
    v_ranges := array[tstzrange(v_floor, v_worker_until, '[]')];

    if v_floor is null then
      return query
      select *
      from triaged.ended_of_worker(
        p_worker_id, p_status, p_task_type, p_queue, v_from, least(v_worker_until, v_until),
        p_created_at, p_task_id, p_rows
      );
      return;
    end if;
  end if;

  v_lived_from := v_from;

  if v_by_ranges then
    select ids, since into v_since_ids, v_since
    from triaged.ends_since_fold(p_status, p_task_type);
  end if;

  if cardinality(v_since_ids) > 0 then
    return query
    -- Looked up first, and whatever of it matches kept: with a limit the planner would rather walk
    -- the index by created_at until it met all of them.
    with by_id as materialized (
      select *
      from triaged.final_tasks as ended
      where
        ended.task_id = any (v_since_ids)
        and ended.ended_at < v_until and ended.ended_at >= v_since
    )
    select *
    from by_id as ended
    where
      (p_status is null or ended.status = p_status)
      and (p_task_type is null or ended.task_type = p_task_type)
      and (p_queue is null or ended.queue = p_queue)
      and (p_worker_id is null or ended.worker_id = p_worker_id)
      and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
    order by ended.created_at desc, ended.task_id desc
    limit p_rows;
  end if;

  loop
    if v_by_ranges then
      select ranges, greatest(v_lived_from, ended_from), least(v_until, ended_until), is_cut
      into v_ranges, v_from, v_ended_until, v_is_cut
      from triaged.ranges_of_page(p_status, p_task_type, p_queue, p_created_at, v_ranges_max);

      -- Few partitions are planned at once.
      if v_from >= v_ended_until - interval '3 days' then
        v_windows := array[null::integer];
      end if;
    end if;

    v_floor := (
      select coalesce(min(coalesce(lower(range), '-infinity')), 'infinity')
      from unnest(v_ranges) as range
    );

    foreach v_days in array v_windows loop
      exit when
        v_found >= p_rows or v_low < v_floor or (v_low = v_floor and not v_is_first);

      v_high := v_low;
      v_low := greatest(coalesce(v_base - v_days * interval '1 day', '-infinity'), v_floor);
      -- The clock may have gone back while a task ran. As a value: the planner leaves out no
      -- partition by what it would have to compute.
      v_ended_from := greatest(v_low - interval '1 hour', v_from);

      if v_days is null or exists (
        select from unnest(v_ranges) as range where range && tstzrange(v_low, v_high, '[]')
      ) then
        return query
        -- The nested loop visits the ranges in their order, and stops at the limit.
        select found.*
        from unnest(v_ranges) as created (range)
        cross join lateral (
          select *
          from triaged.final_tasks as ended
          where
            ended.created_at >= greatest(lower(created.range), v_low)
            and ended.created_at <= least(upper(created.range), v_high)
            -- Those before have what was created at that time.
            and (v_is_first or ended.created_at < v_high)
            and (p_status is null or ended.status = p_status)
            -- Says no more, but names an index.
            and (p_status is null or p_status = 'finished' or ended.status <> 'finished')
            and (p_task_type is null or ended.task_type = p_task_type)
            and (p_queue is null or ended.queue = p_queue)
            and (p_worker_id is null or ended.worker_id = p_worker_id)
            and (p_parent_task_id is null or ended.parent_task_id = p_parent_task_id)
            and (p_context_id is null or ended.metadata ->> 'context_id' = p_context_id)
            and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
            and ended.task_id <> all (v_since_ids)
            -- The days ahead are empty.
            and ended.ended_at < v_ended_until and ended.ended_at >= v_ended_from
          order by ended.created_at desc, ended.task_id desc
          limit p_rows - v_found
        ) as found
        limit p_rows - v_found;

        get diagnostics v_more = row_count;
        v_found := v_found + v_more;
      end if;

      v_is_first := false;
    end loop;

    exit when v_found >= p_rows or not v_is_cut;
    -- Further back, with the ranges that follow.
    v_ranges_max := 8 * v_ranges_max;
    v_windows := array[null::integer];
  end loop;
end;
$$;

-- Gone: it told the ranges alone.
drop function if exists triaged.ranges_of(text, text, text, timestamptz, integer);

-- The ranges of created_at that hold the newest tasks that match, the newest first, without any
-- between them, at most p_ranges; between which times all of these tasks ended; and whether there
-- are more ranges. A range says that tasks ended, and not that they still are: a retry takes one
-- out, and leaves its range.
create or replace function triaged.ranges_of_page(
  p_status text,
  p_task_type text,
  p_queue text,
  p_created_at timestamptz,
  p_ranges integer
)
returns table (
  ranges tstzrange[], ended_from timestamptz, ended_until timestamptz, is_cut boolean
)
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_minutes_since timestamptz;
  v_hours_since timestamptz;
  v_days integer := triaged.retention_days('final_tasks');
  v_ranges tstzrange[];
  v_ended_from timestamptz;
  v_ended_until timestamptz;
  v_is_cut boolean;
begin
  select
    max(since) filter (where span = 'minute') + interval '1 hour',
    max(since) filter (where span = 'hour') + interval '1 hour'
  into v_minutes_since, v_hours_since
  from triaged.rollup_spans(true);

  with newest as (
    select span, starts_at, oldest_at, newest_at
    from triaged.created_ranges
    where
      newest_at <= p_created_at
      and (
        (span = 'minute' and starts_at >= v_minutes_since)
        or (span = 'hour' and starts_at < v_minutes_since)
      )
      and (p_status is null or status = p_status)
      and (p_task_type is null or task_type = p_task_type)
      and (p_queue is null or queue = p_queue)
    order by newest_at desc
    limit p_ranges
  ),
  -- Hours with tasks from both sides of the place. A task ended after it was created, but for a
  -- clock that has gone back.
  hours as materialized (
    select starts_at, queue, task_type, status, oldest_at, newest_at
    from triaged.created_ranges
    where
      span = 'hour'
      and starts_at >= p_created_at - interval '2 hours'
      -- Not by an index of newest_at, which has the minutes of all that time too.
      and newest_at + interval '0' > p_created_at and oldest_at <= p_created_at
      and (p_status is null or status = p_status)
      and (p_task_type is null or task_type = p_task_type)
      and (p_queue is null or queue = p_queue)
  ),
  known as materialized (
    select * from newest
    union all
    select 'hour', starts_at, oldest_at, newest_at from hours where starts_at < v_minutes_since
    union all
    select 'minute', minute.starts_at, minute.oldest_at, minute.newest_at
    from hours
    cross join lateral (
      select *
      from triaged.created_ranges as each
      where
        each.span = 'minute'
        and each.starts_at >= hours.starts_at
        and each.starts_at < hours.starts_at + interval '1 hour'
        and each.queue = hours.queue
        and each.task_type = hours.task_type
        and each.status = hours.status
        and each.newest_at > p_created_at and each.oldest_at <= p_created_at
      offset 0
    ) as minute
    where hours.starts_at >= v_minutes_since
    union all
    -- What ended before rollups are kept, where tasks are kept for longer.
    select 'hour', '-infinity', '-infinity', v_hours_since
    where v_days = 0 or v_days * interval '1 day' > triaged.now() - v_hours_since
  )
  select
    array(
      select range
      from unnest(
        (select range_agg(tstzrange(oldest_at, newest_at, '[]')) from known)
      ) as range
      order by upper(range) desc
    ),
    min(starts_at),
    max(
      case when starts_at = '-infinity' then newest_at
        else starts_at + case when span = 'hour' then interval '1 hour' else interval '1 minute' end
      end
    ),
    (select count(*) from newest) = p_ranges
  into v_ranges, v_ended_from, v_ended_until, v_is_cut
  from known;

  -- What was imported, or dated by hand, is in the ranges of that time, and ended at any.
  if exists (
    select from triaged.event_rollups
    where
      span = 'hour'
      and starts_at >= date_trunc('hour', v_ended_from, 'UTC')
      and starts_at < v_ended_until
      and event in ('import', 'manual')
  ) then
    v_ended_from := '-infinity';
    v_ended_until := 'infinity';
  end if;

  return query select v_ranges, v_ended_from, v_ended_until, v_is_cut;
end;
$$;

-- Gone: it told the ids alone.
drop function if exists triaged.ended_since_fold(text, text);

-- The tasks whose end is not folded yet, and a time before which none of them ended.
create or replace function triaged.ends_since_fold(p_status text, p_task_type text)
returns table (ids bigint[], since timestamptz)
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
declare
  v_folded_id bigint := coalesce((select folded_id from triaged.rollup_progress), 0);
begin
  return query
  select
    coalesce(array_agg(recorded.task_id), '{}'),
    -- Dated by hand, or by an import, it may have ended at any time.
    min(case when recorded.event in ('import', 'manual') then '-infinity' else recorded.at end)
  from triaged.task_history as recorded
  where
    recorded.history_id > v_folded_id
    and recorded.status in ('finished', 'failed', 'cancelled')
    and (p_status is null or recorded.status = p_status)
    and (p_task_type is null or recorded.task_type = p_task_type);
end;
$$;
