-- The task that somebody means: by its number, by the id that its producer gave, or by the dedupe
-- key that it holds; null for none. A key that no task holds any more names none.
create or replace function triaged.task_id_of(id text)
returns bigint
language plpgsql
stable
set search_path to pg_catalog, pg_temp
-- Planned while the tables were small, a scan would stay.
set enable_seqscan to off
as $$
declare
  v_task_id bigint;
begin
  if task_id_of.id ~ '^[1-9][0-9]{0,17}$' then
    select task.task_id into v_task_id
    from triaged.tasks as task
    where task.task_id = task_id_of.id::bigint;

    if found then
      return v_task_id;
    end if;
  end if;

  -- As live_tasks_text_id_idx has it.
  select task.task_id into v_task_id
  from triaged.tasks as task
  where coalesce(task.given_id, task.task_id::text) = task_id_of.id and task.given_id is not null;

  if not found then
    select held.task_id into v_task_id
    from triaged.dedupe_keys as held
    where held.dedupe_key = task_id_of.id;
  end if;

  return v_task_id;
end;
$$;
