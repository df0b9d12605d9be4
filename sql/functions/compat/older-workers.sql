-- Functions that workers and cron lines of the older system call.

-- queued -> started. triaged.get_next_task for workers of the older system, which know a task by
-- the id that its producer gave, or else by its number as text.
create or replace function triaged_compat.get_next_task(worker_id_param varchar)
returns table (
  task_id text,
  skill_name text,
  task_type text,
  source_repo text,
  target_repo text,
  change_event jsonb,
  relationship_config jsonb
)
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_claimed record;
begin
  select * into v_claimed from triaged.get_next_task(worker_id_param);

  if not found then
    return;
  end if;

  -- A statement of its own: the task may be newer than the snapshot of the one before.
  return query
  select
    coalesce(live.given_id, live.task_id::text),
    coalesce(live.metadata ->> 'skill_name', v_claimed.skill_name),
    v_claimed.task_type, v_claimed.source_repo, v_claimed.target_repo, v_claimed.change_event,
    v_claimed.relationship_config
  from triaged.live_tasks as live
  where live.task_id = v_claimed.task_id;
end;
$$;

-- triaged.update_task_status by the id that get_next_task gave. Raises TR001 for an unknown one.
create or replace function triaged_compat.update_task_status(
  task_id_param varchar,
  status_param varchar,
  result_param jsonb default null,
  error_param text default null,
  attempt_count_param integer default null
)
returns void
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_task_id bigint := triaged.task_id_of(task_id_param);
begin
  if v_task_id is null then
    raise exception 'there is no task %', to_json(left(task_id_param, 80))
      using
        errcode = 'TR001',
        hint = 'Tasks are dropped some days after they end; their ids go with them.';
  end if;

  perform triaged.update_task_status(
    v_task_id, status_param, result_param, error_param, attempt_count_param
  );
end;
$$;

-- triaged.cleanup_old_tasks for cron lines of the older system: retention at once.
create or replace function triaged_compat.cleanup_old_tasks()
returns void
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.cleanup_old_tasks();
end;
$$;
