-- Trigger of the view tasks: an insert enqueues, or imports what has ended, with task_id as the
-- id that the producer gave. Whoever inserts does it with his own rights. The row that is
-- returned is the task as it is stored.
create or replace function triaged_compat.insert_task()
returns trigger
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_given jsonb;
  v_status text;
  v_task_id bigint;
begin
  -- As in triaged.insert_task.
  if tg_relid <> 'triaged_compat.tasks'::regclass then
    raise exception 'insert_task() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  v_given := to_jsonb(new);
  v_status := triaged.known_status(v_given ->> 'status');

  -- What the older system knew of a cancel.
  if v_status = 'failed' and v_given ->> 'error' = 'Cancelled by user' then
    v_status := 'cancelled';
  end if;

  v_task_id := triaged.insert_row(triaged.row_of_triage(
    (v_given - 'task_id')
      || jsonb_build_object('given_id', v_given -> 'task_id', 'status', v_status)
  ));

  select * into new
  from triaged_compat.tasks as stored
  where stored.task_id = coalesce(new.task_id, v_task_id::text);

  return new;
end;
$$;
