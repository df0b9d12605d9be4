-- Pages of final tasks.

-- The page of list_tasks, of final tasks alone.
--
-- Tasks that did not finish, children, and tasks of a context have indexes. For a type, a queue and
-- a worker an index would be written by each settle. They go by the index of all by created_at. For
-- a type or queue they read the ranges of it in which such tasks were created, as far as the fold
-- knows, and look by their history for tasks that ended since. For a worker they go back from its
-- end; where it ended few tasks among many of others, they read the pages that have any of it.
create or replace function triaged.newest_ended(
  p_status text,
  p_task_type text,
  p_queue text,
  p_worker_id bigint,
  p_parent_task_id bigint,
  p_context_id text,
  p_repository text,
  p_since timestamptz,
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
  v_from timestamptz := '-infinity';
  v_worker_until timestamptz;
  v_worker_since timestamptz;
  v_is_worker_rare boolean := false;
begin
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
    v_worker_since := triaged.worker_since(
      p_worker_id, p_status, v_from, v_worker_until, p_created_at, p_task_id, p_rows
    );
    v_is_worker_rare := v_worker_since is null;
    if p_repository is null then
      v_ranges := array[tstzrange(v_worker_since, v_worker_until, '[]')];
    end if;
  end if;

  if v_is_worker_rare then
    v_ranges := '{}';
  elsif
    p_parent_task_id is null and p_context_id is null
    and (p_task_type is not null or p_queue is not null)
  then
    v_ranges := triaged.ranges_of(p_status, p_task_type, p_queue, p_created_at, p_rows);
    v_since_ids := triaged.ended_since_fold(p_status, p_task_type);
  end if;

  return query
  -- Looked up first, and whatever of it matches kept: with a limit the planner would rather walk
  -- the index by created_at until it met all of them.
  with by_id as materialized (
    select *
    from triaged.final_tasks as ended
    where ended.task_id = any (v_since_ids) and ended.ended_at < v_until
  ),
  of_worker as materialized (
    select *
    from triaged.final_tasks as ended
    where
      v_is_worker_rare and ended.worker_id = p_worker_id
      and ended.ended_at < v_until and ended.ended_at >= v_from
  )
  select *
  from (
    (
      -- The nested loop visits the ranges in their order, and stops at the limit.
      select found.*
      from unnest(v_ranges) as created (range)
      cross join lateral (
        select *
        from triaged.final_tasks as ended
        where
          ended.created_at >= greatest(lower(created.range), p_since)
          and ended.created_at <= coalesce(upper(created.range), 'infinity')
          and (p_status is null or ended.status = p_status)
          -- Says no more, but names an index.
          and (p_status is null or p_status = 'finished' or ended.status <> 'finished')
          and (p_task_type is null or ended.task_type = p_task_type)
          and (p_queue is null or ended.queue = p_queue)
          and (p_worker_id is null or ended.worker_id = p_worker_id)
          and (p_parent_task_id is null or ended.parent_task_id = p_parent_task_id)
          and (p_context_id is null or ended.metadata ->> 'context_id' = p_context_id)
          and (
            p_repository is null
            or ended.payload ->> 'source_repo' = p_repository
            or ended.payload ->> 'target_repo' = p_repository
          )
          and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
          and ended.task_id <> all (v_since_ids)
          -- The days ahead are empty.
          and ended.ended_at < v_until and ended.ended_at >= v_from
        order by ended.created_at desc, ended.task_id desc
        limit p_rows
      ) as found
      limit p_rows
    )
    union all
    (
      select *
      from (select * from by_id union all select * from of_worker) as ended
      where
        (p_status is null or ended.status = p_status)
        and (p_task_type is null or ended.task_type = p_task_type)
        and (p_queue is null or ended.queue = p_queue)
        and (p_worker_id is null or ended.worker_id = p_worker_id)
        and (
          p_repository is null
          or ended.payload ->> 'source_repo' = p_repository
          or ended.payload ->> 'target_repo' = p_repository
        )
        and ended.created_at >= p_since
        and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
      order by ended.created_at desc, ended.task_id desc
      limit p_rows
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit p_rows;
end;
$$;

-- When the last task of a page by a worker was created; null where it ended less than a page of
-- many of the newest tasks of its life. A list then finds its tasks by the pages of the table that
-- have any of it, which are few.
create or replace function triaged.worker_since(
  p_worker_id bigint,
  p_status text,
  p_from timestamptz,
  p_worker_until timestamptz,
  p_created_at timestamptz,
  p_task_id bigint,
  p_rows integer
)
returns timestamptz
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
  -- A page of a worker that ends one of 500 tasks.
  v_newest bigint := 500 * p_rows::bigint;
begin
  return (
    select created_at
    from (
      select created_at, worker_id, status
      from triaged.final_tasks
      where
        created_at <= coalesce(p_worker_until, 'infinity')
        and (created_at, task_id) < (p_created_at, p_task_id)
        and ended_at < v_until and ended_at >= p_from
      order by created_at desc, task_id desc
      limit v_newest
    ) as newest
    where worker_id = p_worker_id and (p_status is null or status = p_status)
    order by created_at desc
    offset greatest(p_rows - 1, 0)
    limit 1
  );
end;
$$;

-- The ranges of created_at that hold the newest tasks that match, the newest first, without any
-- between them; as many as a page may need.
create or replace function triaged.ranges_of(
  p_status text,
  p_task_type text,
  p_queue text,
  p_created_at timestamptz,
  p_rows integer
)
returns tstzrange[]
language plpgsql
stable
set plan_cache_mode to force_custom_plan
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_minutes_since timestamptz;
  v_hours_since timestamptz;
begin
  select
    max(since) filter (where span = 'minute') + interval '1 hour',
    max(since) filter (where span = 'hour') + interval '1 hour'
  into v_minutes_since, v_hours_since
  from triaged.rollup_spans(true);

  return array(
    select range
    from unnest(
      (
        select range_agg(tstzrange(oldest_at, newest_at, '[]'))
        from (
          (
            -- The newest p_rows tasks lie in the first p_rows of these.
            select oldest_at, newest_at
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
            limit p_rows
          )
          union all
          (
            select oldest_at, newest_at
            from triaged.created_ranges
            where
              newest_at > p_created_at and oldest_at <= p_created_at
              and (
                (span = 'minute' and starts_at >= v_minutes_since)
                or (span = 'hour' and starts_at < v_minutes_since)
              )
              and (p_status is null or status = p_status)
              and (p_task_type is null or task_type = p_task_type)
              and (p_queue is null or queue = p_queue)
          )
          union all
          -- What ended before rollups are kept.
          select '-infinity', v_hours_since
        ) as known
      )
    ) as range
    order by upper(range) desc
  );
end;
$$;

-- The tasks whose end is not folded yet.
create or replace function triaged.ended_since_fold(p_status text, p_task_type text)
returns bigint[]
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
  return array(
    select recorded.task_id
    from triaged.task_history as recorded
    where
      recorded.history_id > v_folded_id
      and recorded.status in ('finished', 'failed', 'cancelled')
      and (p_status is null or recorded.status = p_status)
      and (p_task_type is null or recorded.task_type = p_task_type)
  );
end;
$$;
