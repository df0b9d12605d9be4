-- Lists of tasks, the newest first, page by page. What they read is about a page, however many
-- tasks there are.

-- Tasks that match all that is given, the newest first: at most max_rows, of those before the task
-- with this created_at and task_id, which are the last ones of the page before. context_id is that
-- in the metadata, repository the source_repo or the target_repo in the payload. skip_rows leaves
-- out so many before, for callers that count pages: it reads them all.
create or replace function triaged.list_tasks(
  status text default null,
  task_type text default null,
  queue text default null,
  worker_id bigint default null,
  parent_task_id bigint default null,
  context_id text default null,
  repository text default null,
  before_created_at timestamptz default null,
  before_task_id bigint default null,
  max_rows integer default 20,
  skip_rows integer default 0
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
  v_rows integer := least(greatest(coalesce(list_tasks.max_rows, 20), 0), 5000);
  v_skip integer := least(greatest(coalesce(list_tasks.skip_rows, 0), 0), 10000);
begin
  if list_tasks.repository is not null then
    return query
    select *
    from triaged.newest_of_repository(
      list_tasks.repository, list_tasks.status, list_tasks.task_type, list_tasks.queue,
      list_tasks.worker_id, list_tasks.parent_task_id, list_tasks.context_id, v_created_at,
      v_task_id, v_skip + v_rows
    ) as task
    order by task.created_at desc, task.task_id desc
    limit v_rows
    offset v_skip;
    return;
  end if;

  return query
  select *
  from (
    select *
    from triaged.newest_live(
      list_tasks.status, list_tasks.task_type, list_tasks.queue, list_tasks.worker_id,
      list_tasks.parent_task_id, list_tasks.context_id, v_created_at, v_task_id, v_skip + v_rows
    )
    union all
    select *
    from triaged.newest_ended(
      list_tasks.status, list_tasks.task_type, list_tasks.queue, list_tasks.worker_id,
      list_tasks.parent_task_id, list_tasks.context_id, v_created_at, v_task_id, v_skip + v_rows
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit v_rows
  offset v_skip;
end;
$$;

-- Gone: with a repository.
drop function if exists triaged.newest_live(
  text, text, text, bigint, bigint, text, text, timestamptz, timestamptz, bigint, integer
);

-- The page of list_tasks, of live tasks alone: those that wait, those that workers hold by their
-- claims, and those that wait for a person. A type that few of many tasks have is found by the
-- index that serves claims, for each queue that there is.
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
          select queue from triaged.live_tasks where in_lane order by queue limit 1
        )
        union all
        select (
          select later.queue
          from triaged.live_tasks as later
          where later.in_lane and later.queue > known.queue
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
        and live.in_lane
        and live.status = 'queued'
        and (v_queues is null or live.queue = any (v_queues))
        and (p_task_type is null or live.task_type = p_task_type)
        and (p_queue is null or live.queue = p_queue)
        -- Nobody holds it.
        and p_worker_id is null
        and (p_parent_task_id is null or live.parent_task_id = p_parent_task_id)
        and (p_context_id is null or live.metadata ->> 'context_id' = p_context_id)
        and (live.created_at, live.task_id) < (p_created_at, p_task_id)
      order by live.created_at desc, live.task_id desc
      limit p_rows
    )
    union all
    (
      select live.*
      from (
        -- A task that was claimed again soon is in two rows of claims.
        select distinct held.created_at, held.task_id
        from triaged.claims as claim
        cross join lateral (
          select known.created_at, known.task_id
          from (
            select task.created_at, task.task_id
            from triaged.live_tasks as task
            where
              task.task_id = any (claim.task_ids)
              and task.worker_id = claim.worker_id
              and (p_task_type is null or task.task_type = p_task_type)
              and (p_queue is null or task.queue = p_queue)
              and (p_parent_task_id is null or task.parent_task_id = p_parent_task_id)
              and (p_context_id is null or task.metadata ->> 'context_id' = p_context_id)
              and (task.created_at, task.task_id) < (p_created_at, p_task_id)
            -- Keeps the planner from reading all tasks in the order below.
            offset 0
          ) as known
          order by known.created_at desc, known.task_id desc
          limit p_rows
        ) as held
        where
          (p_status is null or p_status = 'started')
          and (p_worker_id is null or claim.worker_id = p_worker_id)
        order by held.created_at desc, held.task_id desc
        limit p_rows
      ) as page
      cross join lateral (
        select * from triaged.live_tasks as task where task.task_id = page.task_id offset 0
      ) as live
    )
    union all
    (
      select *
      from triaged.live_tasks as live
      where
        (p_status is null or p_status = 'needs_decision')
        and live.status = 'needs_decision'
        -- Says no more than the line before, but names an index.
        and live.decision_prompt is not null
        and (p_task_type is null or live.task_type = p_task_type)
        and (p_queue is null or live.queue = p_queue)
        and p_worker_id is null
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
