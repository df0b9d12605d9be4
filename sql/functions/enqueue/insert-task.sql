-- Inserts into the views tasks and triage_tasks.

-- Trigger of the views tasks and triage_tasks: an insert enqueues a task, or imports one that has
-- ended elsewhere, as insert_row says. The row returned is the task as it is stored. A dedupe_key
-- that is held already makes no second task: the first one is returned.
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
  -- Checked before anything of the row is read: on the view of a stranger, reading it would call
  -- the stranger's casts.
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

-- Do what an insert into a view asks for, with the rights of the caller: enqueue the task, or
-- import it where it has ended elsewhere. Returns its number. task is an object as in enqueue_row
-- and import_task. Raises 22023 for a task that would run in two places, or never, and 23505 where
-- the given id belongs to another task.
create or replace function triaged.insert_row(task jsonb)
returns bigint
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_status text := triaged.known_status(insert_row.task ->> 'status');
  v_added record;
  v_known record;
begin
  if v_status in ('started', 'needs_decision') then
    raise exception 'a task that is % elsewhere cannot be taken over', v_status
      using
        errcode = '22023',
        hint = 'It would be worked on in both places. Let it end there, '
          'or insert it as queued once nobody works on it.';
  end if;

  if v_status = 'queued' then
    v_added := triaged.enqueue_row(insert_row.task);
  else
    if not has_function_privilege('triaged.import_task(jsonb)', 'EXECUTE') then
      raise exception 'permission denied to import a task that is %', v_status
        using
          errcode = '42501',
          hint = 'Ended tasks are imported by the owner of the queue; a task that shall run '
            'is inserted as queued.';
    end if;

    v_added := triaged.import_task(insert_row.task);
  end if;

  if v_added.outcome = 'duplicate' and insert_row.task ->> 'given_id' is not null then
    select * into v_known from triaged.tasks as known where known.task_id = v_added.task_id;

    -- The same task inserted twice is one task. Two tasks under one id are an error, since one of
    -- them would be lost.
    if
      v_known.task_type is distinct from insert_row.task ->> 'task_type'
      or v_known.payload
        is distinct from coalesce(nullif(insert_row.task -> 'payload', 'null'), '{}')
      or (
        v_status <> 'queued'
        and (v_known.status, v_known.result)
          is distinct from (v_status, nullif(insert_row.task -> 'result', 'null'))
      )
    then
      raise exception 'task % has the id %, and is another one', v_added.task_id,
        to_json(insert_row.task ->> 'given_id')
        using
          errcode = '23505',
          hint = 'The same task may be inserted again; another one needs an id of its own.';
    end if;
  end if;

  return v_added.task_id;
end;
$$;
