-- Triggers of the view triaged_compat.tasks.

-- Trigger of the view tasks: an insert enqueues a task, or imports one that has ended, with task_id
-- as the id that the producer gave. It runs with the rights of the caller. The row returned is the
-- task as it is stored.
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

  -- How the older system wrote a cancel.
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

-- Trigger of the view tasks: manual changes by clients of the older system. A cancel, as they write
-- it, is cancel_task, which producers may call; everything else is an update of triaged.tasks,
-- which owners may make. A change of a column that only the queue sets is refused, so that none is
-- silently dropped.
create or replace function triaged_compat.update_task()
returns trigger
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_status text := triaged.known_status(new.status);
  v_task_id bigint := triaged.task_id_of(old.task_id);
  v_changed integer;
begin
  if (new.task_id, new.skill_name, new.attempt_count, new.created_at)
      is distinct from (old.task_id, old.skill_name, old.attempt_count, old.created_at)
    or (new.worker_id is not null and new.worker_id is distinct from old.worker_id)
  then
    raise exception
      'task_id, skill_name, attempt_count, created_at and worker_id of a task do not change'
      using errcode = 'TR002', hint = 'worker_id may be set to null, with status queued.';
  end if;

  if v_status in ('failed', 'cancelled') and new.error = 'Cancelled by user' then
    begin
      perform triaged.cancel_task(v_task_id);
      return new;
    exception
      -- It ended since the statement began, as for any other update below.
      when sqlstate 'TR002' then
        return null;
    end;
  end if;

  update triaged.tasks as task
  set
    task_type = new.task_type,
    -- The payload stays as it is where nobody changed a column that shows it.
    payload = case
      when (new.source_repo, new.target_repo, new.change_event, new.relationship_config)
        is not distinct from
        (old.source_repo, old.target_repo, old.change_event, old.relationship_config)
        then task.payload
      else task.payload || jsonb_build_object(
        'source_repo', new.source_repo,
        'target_repo', new.target_repo,
        'change_event', new.change_event,
        'relationship_config', new.relationship_config
      )
    end,
    status = case when new.status is distinct from old.status then v_status else task.status end,
    started_at = new.started_at,
    ended_at = new.ended_at,
    result = new.result,
    error = new.error,
    max_attempts = new.max_attempts
  where task.task_id = v_task_id;
  get diagnostics v_changed = row_count;

  -- The task moved on since the statement began, and the change is void.
  return case when v_changed > 0 then new end;
end;
$$;
