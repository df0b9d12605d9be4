-- A time before which no task of a page of list_tasks was created, by what the indexes of triage
-- find of the repository. Tasks of other types that name one have no index: a list of a repository
-- with less than a page of triage reads all of them.
create or replace function triaged.repository_since(
  p_status text,
  p_task_type text,
  p_queue text,
  p_worker_id bigint,
  p_parent_task_id bigint,
  p_context_id text,
  p_repository text,
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
  v_rows bigint;
  v_since timestamptz;
begin
  select count(*), min(created_at)
  into v_rows, v_since
  from (
    select created_at
    from (
      select *
      from triaged.live_tasks as task
      where
        -- As live_tasks_source_repo_idx has it.
        (
          task_type = 'consumer_triage'
          or task_type = 'template_triage'
          or task_type = 'change_notification'
        )
        and payload ->> 'source_repo' = p_repository
      union all
      select *
      from triaged.final_tasks as task
      where
        (
          task_type = 'consumer_triage'
          or task_type = 'template_triage'
          or task_type = 'change_notification'
        )
        and payload ->> 'source_repo' = p_repository
      union all
      select *
      from triaged.live_tasks as task
      where
        (task_type = 'consumer_triage' or task_type = 'template_triage')
        and payload ->> 'target_repo' = p_repository
        and payload ->> 'source_repo' is distinct from p_repository
      union all
      select *
      from triaged.final_tasks as task
      where
        (task_type = 'consumer_triage' or task_type = 'template_triage')
        and payload ->> 'target_repo' = p_repository
        and payload ->> 'source_repo' is distinct from p_repository
    ) as known
    where
      (p_status is null or status = p_status)
      and (p_task_type is null or task_type = p_task_type)
      and (p_queue is null or queue = p_queue)
      and (p_worker_id is null or worker_id = p_worker_id)
      and (p_parent_task_id is null or parent_task_id = p_parent_task_id)
      and (p_context_id is null or metadata ->> 'context_id' = p_context_id)
      and (created_at, task_id) < (p_created_at, p_task_id)
    order by created_at desc, task_id desc
    limit p_rows
  ) as found;

  if v_rows = p_rows then
    return v_since;
  end if;

  -- Of these types the indexes have all.
  if p_task_type in ('consumer_triage', 'template_triage') then
    return coalesce(v_since, 'infinity');
  end if;

  return '-infinity';
end;
$$;
