-- Lineage.

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
