-- Gone: it told since when a page of a repository was created.
drop function if exists triaged.repository_since(
  text, text, text, bigint, bigint, text, text, timestamptz, bigint, integer
);

-- The page of list_tasks, of tasks that name a repository, in no order: among more than p_rows the
-- newest. Those of triage are found by their indexes, however old they are. Tasks of other types
-- that name one have no index: an index of all would have each claim and settle read their
-- payloads. They are looked for among the newest that match the other conditions.
create or replace function triaged.newest_of_repository(
  p_repository text,
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
  -- So many are looked at: of those that are live, and of those that ended.
  c_looked constant integer := 500;
begin
  return query
  select *
  from triaged.live_tasks as task
  where
    -- As live_tasks_source_repo_idx has it.
    (
      task.task_type = 'consumer_triage'
      or task.task_type = 'template_triage'
      or task.task_type = 'change_notification'
    )
    and task.payload ->> 'source_repo' = p_repository
    and (p_status is null or task.status = p_status)
    and (p_task_type is null or task.task_type = p_task_type)
    and (p_queue is null or task.queue = p_queue)
    and (p_worker_id is null or task.worker_id = p_worker_id)
    and (p_parent_task_id is null or task.parent_task_id = p_parent_task_id)
    and (p_context_id is null or task.metadata ->> 'context_id' = p_context_id)
    and (task.created_at, task.task_id) < (p_created_at, p_task_id)
  order by task.created_at desc, task.task_id desc
  limit p_rows;

  return query
  select *
  from triaged.live_tasks as task
  where
    (task.task_type = 'consumer_triage' or task.task_type = 'template_triage')
    and task.payload ->> 'target_repo' = p_repository
    and task.payload ->> 'source_repo' is distinct from p_repository
    and (p_status is null or task.status = p_status)
    and (p_task_type is null or task.task_type = p_task_type)
    and (p_queue is null or task.queue = p_queue)
    and (p_worker_id is null or task.worker_id = p_worker_id)
    and (p_parent_task_id is null or task.parent_task_id = p_parent_task_id)
    and (p_context_id is null or task.metadata ->> 'context_id' = p_context_id)
    and (task.created_at, task.task_id) < (p_created_at, p_task_id)
  order by task.created_at desc, task.task_id desc
  limit p_rows;

  return query
  select *
  from triaged.ended_of_repository(
    p_repository, p_status, p_task_type, p_queue, p_worker_id, p_parent_task_id, p_context_id,
    p_created_at, p_task_id, p_rows
  );

  -- Of these the indexes have all.
  if p_task_type in ('consumer_triage', 'template_triage') then
    return;
  end if;

  return query
  select task.*
  from (
    select *
    from triaged.newest_live(
      p_status, p_task_type, p_queue, p_worker_id, p_parent_task_id, p_context_id, p_created_at,
      p_task_id, c_looked
    )
    union all
    select *
    from triaged.newest_ended(
      p_status, p_task_type, p_queue, p_worker_id, p_parent_task_id, p_context_id, p_created_at,
      p_task_id, c_looked
    )
  ) as task
  where
    case
      when task.payload ->> 'source_repo' = p_repository
        then task.task_type not in ('consumer_triage', 'template_triage', 'change_notification')
      when task.payload ->> 'target_repo' = p_repository
        then task.task_type not in ('consumer_triage', 'template_triage')
      else false
    end
  order by task.created_at desc, task.task_id desc
  limit p_rows;
end;
$$;

-- Of the page of a repository, tasks of triage that ended, by their indexes: the newest p_rows that
-- name it as source, and as many that name it as target alone.
create or replace function triaged.ended_of_repository(
  p_repository text,
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
-- One plan for all that is given, kept by the session: to plan the partitions of a month each time
-- took longer than to look for a repository in all of them, by the order of the indexes.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_bitmapscan to off
set enable_sort to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
begin
  return query
  select *
  from triaged.final_tasks as task
  where
    -- As final_tasks_source_repo_idx has it.
    (
      task.task_type = 'consumer_triage'
      or task.task_type = 'template_triage'
      or task.task_type = 'change_notification'
    )
    and task.payload ->> 'source_repo' = p_repository
    and (p_status is null or task.status = p_status)
    and (p_task_type is null or task.task_type = p_task_type)
    and (p_queue is null or task.queue = p_queue)
    and (p_worker_id is null or task.worker_id = p_worker_id)
    and (p_parent_task_id is null or task.parent_task_id = p_parent_task_id)
    and (p_context_id is null or task.metadata ->> 'context_id' = p_context_id)
    and (task.created_at, task.task_id) < (p_created_at, p_task_id)
  order by task.created_at desc, task.task_id desc
  limit p_rows;

  return query
  select *
  from triaged.final_tasks as task
  where
    (task.task_type = 'consumer_triage' or task.task_type = 'template_triage')
    and task.payload ->> 'target_repo' = p_repository
    and task.payload ->> 'source_repo' is distinct from p_repository
    and (p_status is null or task.status = p_status)
    and (p_task_type is null or task.task_type = p_task_type)
    and (p_queue is null or task.queue = p_queue)
    and (p_worker_id is null or task.worker_id = p_worker_id)
    and (p_parent_task_id is null or task.parent_task_id = p_parent_task_id)
    and (p_context_id is null or task.metadata ->> 'context_id' = p_context_id)
    and (task.created_at, task.task_id) < (p_created_at, p_task_id)
  order by task.created_at desc, task.task_id desc
  limit p_rows;
end;
$$;
