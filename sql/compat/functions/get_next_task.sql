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
