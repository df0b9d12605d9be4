-- Trigger of the views tasks and triage_tasks: an insert enqueues, or imports what has ended
-- elsewhere, as insert_row says. The row that is returned is the task as it is stored. A
-- dedupe_key that is held already makes no second task: that of the first is returned.
create or replace function triaged.insert_task()
returns trigger
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_given jsonb;
  v_task_id bigint;
begin
  -- Before anything of the row is read: on the view of a stranger that would call his casts.
  if tg_relid not in ('triaged.tasks'::regclass, 'triaged.triage_tasks'::regclass) then
    raise exception 'insert_task() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  v_given := to_jsonb(new);

  if tg_table_name = 'triage_tasks' then
    v_task_id := triaged.insert_row(triaged.row_of_triage(v_given));
    select * into new from triaged.triage_tasks as stored where stored.task_id = v_task_id;
  else
    v_task_id := triaged.insert_row(v_given);
    select * into new from triaged.tasks as stored where stored.task_id = v_task_id;
  end if;

  return new;
end;
$$;
