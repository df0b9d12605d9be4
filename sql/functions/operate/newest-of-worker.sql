-- What newest_ended asks of a worker.

-- The page of a worker that ended few tasks among many, by the pages of the table that have any of
-- it: of the last day before its end or the place of the page, and only then of its whole life.
create or replace function triaged.ended_of_worker(
  p_worker_id bigint,
  p_status text,
  p_task_type text,
  p_queue text,
  p_from timestamptz,
  p_worker_until timestamptz,
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
  v_high timestamptz;
  v_low timestamptz;
  v_lows timestamptz[] := array[
    greatest(p_from, least(p_created_at, p_worker_until, v_until) - interval '1 day'), p_from
  ];
  v_ended_from timestamptz;
  v_found bigint := 0;
  v_more bigint;
begin
  foreach v_low in array v_lows loop
    exit when v_found >= p_rows or v_low = v_high;

    -- The clock may have gone back while a task ran.
    v_ended_from := v_low - interval '1 hour';

    return query
    -- All of it first: with a limit the planner would walk the index by created_at instead.
    with of_worker as materialized (
      select *
      from triaged.final_tasks as ended
      where
        ended.worker_id = p_worker_id
        and ended.ended_at < v_until and ended.ended_at >= v_ended_from
    )
    select *
    from of_worker as ended
    where
      (p_status is null or ended.status = p_status)
      and (p_task_type is null or ended.task_type = p_task_type)
      and (p_queue is null or ended.queue = p_queue)
      and (ended.created_at, ended.task_id) < (p_created_at, p_task_id)
      -- Of what was created before its life, all that is left.
      and (ended.created_at >= v_low or v_low = p_from)
      and (v_high is null or ended.created_at < v_high)
    order by ended.created_at desc, ended.task_id desc
    limit p_rows - v_found;

    get diagnostics v_more = row_count;
    v_found := v_found + v_more;
    v_high := v_low;
  end loop;
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
  -- A page of a worker that ends one of 500 tasks; of a long page, no more than others end in a
  -- burst.
  v_newest bigint := least(500 * p_rows::bigint, 10000);
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
