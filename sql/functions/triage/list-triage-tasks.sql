-- Lists of triage by repository.

-- Triage tasks whose source or target is a repository, the newest first: at most max_rows, of those
-- before the task with this created_at and task_id, which are the last ones of the page before.
create or replace function triaged.list_triage_tasks(
  repository text,
  before_created_at timestamptz default null,
  before_task_id bigint default null,
  max_rows integer default 20
)
returns setof triaged.live_tasks
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
  v_created_at timestamptz := coalesce(list_triage_tasks.before_created_at, 'infinity');
  v_task_id bigint := coalesce(list_triage_tasks.before_task_id, 9223372036854775807);
  v_rows integer := least(greatest(coalesce(list_triage_tasks.max_rows, 20), 0), 1000);
begin
  return query
  select *
  from (
    (
      select *
      from triaged.live_tasks as task
      where
        -- As live_tasks_source_repo_idx has it.
        (
          task_type = 'consumer_triage'
          or task_type = 'template_triage'
          or task_type = 'change_notification'
        )
        and payload ->> 'source_repo' = repository
        and (created_at, task_id) < (v_created_at, v_task_id)
      order by created_at desc, task_id desc
      limit v_rows
    )
    union
    (
      select *
      from triaged.live_tasks as task
      where
        (task_type = 'consumer_triage' or task_type = 'template_triage')
        and payload ->> 'target_repo' = repository
        and (created_at, task_id) < (v_created_at, v_task_id)
      order by created_at desc, task_id desc
      limit v_rows
    )
    union
    (
      select *
      from triaged.final_tasks as task
      where
        (
          task_type = 'consumer_triage'
          or task_type = 'template_triage'
          or task_type = 'change_notification'
        )
        and payload ->> 'source_repo' = repository
        and (created_at, task_id) < (v_created_at, v_task_id)
      order by created_at desc, task_id desc
      limit v_rows
    )
    union
    (
      select *
      from triaged.final_tasks as task
      where
        (task_type = 'consumer_triage' or task_type = 'template_triage')
        and payload ->> 'target_repo' = repository
        and (created_at, task_id) < (v_created_at, v_task_id)
      order by created_at desc, task_id desc
      limit v_rows
    )
  ) as task
  order by task.created_at desc, task.task_id desc
  limit v_rows;
end;
$$;
