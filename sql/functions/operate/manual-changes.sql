-- What people may change by hand, and the statements that are refused.

-- Trigger of the view tasks: a manual update reaches live_tasks, where its legality is checked and
-- its history written. Columns that depend on the status follow it. An update of a final task is
-- refused, and so is a change of a column that only the queue sets.
create or replace function triaged.update_task()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- As in insert_task.
  if tg_relid <> 'triaged.tasks'::regclass then
    raise exception 'update_task() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  if old.ended_at is not null then
    perform triaged.raise_not_possible(old.task_id, 'changed');
  end if;

  if
    (new.task_id, new.attempt_count, new.rescue_count, new.created_at)
      is distinct from (old.task_id, old.attempt_count, old.rescue_count, old.created_at)
    or (new.dedupe_key, new.given_id, new.parent_task_id, new.root_task_id)
      is distinct from (old.dedupe_key, old.given_id, old.parent_task_id, old.root_task_id)
  then
    raise exception 'ids, keys, attempt_count, rescue_count and created_at of a task do not change'
      using errcode = 'TR002', hint = 'Leave out dedupe_key, parent_task_id and the like, too.';
  end if;

  -- A manual event, whatever the caller has put into triaged.event.
  perform triaged.note_event('');

  update triaged.live_tasks
  set
    task_type = new.task_type,
    queue = new.queue,
    payload = new.payload,
    priority = new.priority,
    status = new.status,
    run_at = new.run_at,
    failure_count = new.failure_count,
    max_attempts = new.max_attempts,
    worker_id = case
      when new.status not in ('queued', 'needs_decision') then new.worker_id
    end,
    cancel_requested_at = new.cancel_requested_at,
    progress_pct = new.progress_pct,
    current_step = new.current_step,
    result = new.result,
    error = new.error,
    decision_prompt = new.decision_prompt,
    decision = new.decision,
    metadata = new.metadata,
    started_at = case
      when new.status not in ('queued', 'needs_decision') then new.started_at
    end,
    ended_at = case
      when new.status in ('finished', 'failed', 'cancelled')
        then coalesce(new.ended_at, triaged.now())
    end
  where
    task_id = old.task_id
    and status = old.status
    and attempt_count = old.attempt_count;

  -- No row: the task moved on since this statement began, and the change is void.
  return case when found then new end;
end;
$$;

-- Trigger: refuse a transition. sql/triggers/tasks.sql says which transitions are refused.
create or replace function triaged.refuse_transition()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  raise exception 'task % is %, and cannot become %', old.task_id, old.status, new.status
    using
      errcode = 'TR002',
      hint = 'docs/task-status.md lists the transitions; '
        'a failed or cancelled task runs again by retry_task(task_id).';
end;
$$;

-- Trigger: refuse a statement that would take away tasks or history. The files of sql/triggers say
-- which statements are refused; the hint is an argument.
create or replace function triaged.refuse_statement()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  raise exception '% on % is refused', lower(tg_op collate "C"), tg_table_name
    using errcode = 'TR002', hint = tg_argv[0];
end;
$$;
