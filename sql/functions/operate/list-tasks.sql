-- Lists of tasks, the newest first, page by page, and lineage. What they read is about a page,
-- however many tasks there are.

-- Tasks that match all that is given, the newest first: at most max_rows, of those before the task
-- with this created_at and task_id, which are the last ones of the page before. context_id is that
-- in the metadata.
create or replace function triaged.list_tasks(
  status text default null,
  task_type text default null,
  queue text default null,
  worker_id bigint default null,
  parent_task_id bigint default null,
  context_id text default null,
  before_created_at timestamptz default null,
  before_task_id bigint default null,
  max_rows integer default 20
)
returns setof triaged.live_tasks
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Planned with what is given: what is absent is gone from the plan.
set plan_cache_mode to force_custom_plan
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_created_at timestamptz := coalesce(list_tasks.before_created_at, 'infinity');
  v_task_id bigint := coalesce(list_tasks.before_task_id, 9223372036854775807);
  v_rows integer := least(greatest(coalesce(list_tasks.max_rows, 20), 0), 1000);
begin
  return query
  select *
  from (
    (
      select *
      from triaged.newest_live(
        list_tasks.status, list_tasks.task_type, list_tasks.queue, list_tasks.worker_id,
        list_tasks.parent_task_id, list_tasks.context_id, v_created_at, v_task_id, v_rows
      )
    )
    union all
    (
      select *
      from triaged.newest_ended(
        list_tasks.status, list_tasks.task_type, list_tasks.queue, list_tasks.worker_id,
        list_tasks.parent_task_id, list_tasks.context_id, v_created_at, v_task_id, v_rows
      )
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit v_rows;
end;
$$;

-- The page of list_tasks, of live tasks alone: those that wait, are started, and wait for a person,
-- each by its index. A type that few of many tasks have is found by the index of claims, for each
-- queue that there is.
create or replace function triaged.newest_live(
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
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_queues text[];
begin
  if p_status in ('finished', 'failed', 'cancelled') then
    return;
  end if;

  if p_task_type is not null and p_queue is null then
    v_queues := array(
      with recursive known as (
        (
          select queue from triaged.live_tasks where status = 'queued' order by queue limit 1
        )
        union all
        select (
          select later.queue
          from triaged.live_tasks as later
          where later.status = 'queued' and later.queue > known.queue
          order by later.queue
          limit 1
        )
        from known
        where known.queue is not null
      )
      select queue from known where queue is not null
    );
  end if;

  return query
  select *
  from (
    (
      select *
      from triaged.live_tasks as live
      where
        (p_status is null or p_status = 'queued')
        and live.status = 'queued'
        and (v_queues is null or live.queue = any (v_queues))
        and (p_task_type is null or live.task_type = p_task_type)
        and (p_queue is null or live.queue = p_queue)
        and (p_worker_id is null or live.worker_id = p_worker_id)
        and (p_parent_task_id is null or live.parent_task_id = p_parent_task_id)
        and (p_context_id is null or live.metadata ->> 'context_id' = p_context_id)
        and (live.created_at, live.task_id) < (p_created_at, p_task_id)
      order by live.created_at desc, live.task_id desc
      limit p_rows
    )
    union all
    (
      select *
      from triaged.live_tasks as live
      where
        (p_status is null or p_status = 'started')
        and live.status = 'started'
        -- Says no more than the line before, but names an index; as the next one does.
        and live.worker_id is not null
        and (p_task_type is null or live.task_type = p_task_type)
        and (p_queue is null or live.queue = p_queue)
        and (p_worker_id is null or live.worker_id = p_worker_id)
        and (p_parent_task_id is null or live.parent_task_id = p_parent_task_id)
        and (p_context_id is null or live.metadata ->> 'context_id' = p_context_id)
        and (live.created_at, live.task_id) < (p_created_at, p_task_id)
      order by live.created_at desc, live.task_id desc
      limit p_rows
    )
    union all
    (
      select *
      from triaged.live_tasks as live
      where
        (p_status is null or p_status = 'needs_decision')
        and live.status = 'needs_decision'
        and live.decision_prompt is not null
        and (p_task_type is null or live.task_type = p_task_type)
        and (p_queue is null or live.queue = p_queue)
        and (p_worker_id is null or live.worker_id = p_worker_id)
        and (p_parent_task_id is null or live.parent_task_id = p_parent_task_id)
        and (p_context_id is null or live.metadata ->> 'context_id' = p_context_id)
        and (live.created_at, live.task_id) < (p_created_at, p_task_id)
      order by live.created_at desc, live.task_id desc
      limit p_rows
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit p_rows;
end;
$$;

-- The page of list_tasks, of final tasks alone.
--
-- Tasks that did not finish, children, and tasks of a context have indexes. For a type, a queue and
-- a worker an index would be written by each settle. They go by the index of all by created_at. For
-- a type or queue they read the ranges of it in which such tasks were created, as far as the fold
-- knows, and look by their history for tasks that ended since. For a worker they go back from its
-- end: that takes long where it ended few tasks among many of others.
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
  v_from timestamptz := '-infinity';
begin
  -- Its tasks ended while it lived.
  if p_worker_id is not null then
    select
      worker.started_at - interval '1 hour',
      array[tstzrange(null, coalesce(worker.ended_at, 'infinity'), '[]')]
    into v_from, v_ranges
    from triaged.workers as worker
    where worker.worker_id = p_worker_id;
  end if;

  if
    p_parent_task_id is null and p_context_id is null
    and (p_task_type is not null or p_queue is not null)
  then
    v_ranges := triaged.ranges_of(p_status, p_task_type, p_queue, p_created_at, p_rows);
    v_since_ids := triaged.ended_since_fold(p_status, p_task_type);
  end if;

  return query
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
          ended.created_at >= coalesce(lower(created.range), '-infinity')
          and ended.created_at <= coalesce(upper(created.range), 'infinity')
          and (p_status is null or ended.status = p_status)
          -- Says no more, but names an index.
          and (p_status is null or p_status = 'finished' or ended.status <> 'finished')
          and (p_task_type is null or ended.task_type = p_task_type)
          and (p_queue is null or ended.queue = p_queue)
          and (p_worker_id is null or ended.worker_id = p_worker_id)
          and (p_parent_task_id is null or ended.parent_task_id = p_parent_task_id)
          and (p_context_id is null or ended.metadata ->> 'context_id' = p_context_id)
          and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
          -- The days ahead are empty.
          and ended.ended_at < v_until and ended.ended_at >= v_from
        order by ended.created_at desc, ended.task_id desc
        limit p_rows
      ) as found
      limit p_rows
    )
    union
    (
      select *
      from triaged.final_tasks as ended
      where
        ended.task_id = any (v_since_ids)
        and (p_status is null or ended.status = p_status)
        and (p_task_type is null or ended.task_type = p_task_type)
        and (p_queue is null or ended.queue = p_queue)
        and (p_worker_id is null or ended.worker_id = p_worker_id)
        and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
        and ended.ended_at < v_until
      order by ended.created_at desc, ended.task_id desc
      limit p_rows
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit p_rows;
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

-- A task and all that descend from it, or from the root of all these, with the level of each below
-- the root, parents before children.
create or replace function triaged.get_task_hierarchy(root_task_id bigint)
returns table (
  task_id bigint,
  parent_task_id bigint,
  level integer,
  task_type text,
  queue text,
  status text,
  created_at timestamptz,
  ended_at timestamptz
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  -- A family without an end would fill the memory.
  c_rows_max constant integer := 10000;
begin
  return query
  with recursive family as materialized (
    select task_id, parent_task_id, task_type, queue, status, created_at, ended_at
    from triaged.live_tasks
    where task_id = get_task_hierarchy.root_task_id
    union all
    select task_id, parent_task_id, task_type, queue, status, created_at, ended_at
    from triaged.final_tasks
    where task_id = get_task_hierarchy.root_task_id
    union all
    (
      select task_id, parent_task_id, task_type, queue, status, created_at, ended_at
      from triaged.live_tasks
      where root_task_id = get_task_hierarchy.root_task_id
      order by task_id
      limit c_rows_max
    )
    union all
    (
      select task_id, parent_task_id, task_type, queue, status, created_at, ended_at
      from triaged.final_tasks
      where root_task_id = get_task_hierarchy.root_task_id
      order by task_id
      limit c_rows_max
    )
  ),
  placed as (
    select family.task_id, 0 as level
    from family
    where family.task_id = get_task_hierarchy.root_task_id
    union all
    select child.task_id, placed.level + 1
    from placed
    join family as child on child.parent_task_id = placed.task_id
  )
  select
    family.task_id, family.parent_task_id, placed.level, family.task_type, family.queue,
    family.status, family.created_at, family.ended_at
  from family
  -- The row of a parent may be gone by retention.
  left join placed using (task_id)
  order by placed.level, family.task_id
  limit c_rows_max;
end;
$$;
