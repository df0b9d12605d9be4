-- needs_decision -> queued, due at once: the next attempt sees the decision. Raises TR001
-- for an unknown task, TR002 for one that does not wait for a decision, and TR003 for a decision
-- that is longer than a payload may be.
create or replace function triaged.decide_task(task_id bigint, decision jsonb)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_max_bytes integer := coalesce(
    nullif(current_setting('triaged.max_payload_bytes', true), '')::integer, 1048576
  );
  v_attempt integer;
begin
  -- A decision goes to a handler like a payload.
  if octet_length(decide_task.decision::text) > v_max_bytes then
    raise exception 'the decision has % bytes, more than the limit of %',
      octet_length(decide_task.decision::text), v_max_bytes
      using
        errcode = 'TR003',
        hint = 'Decide with a reference, or raise triaged.max_payload_bytes.';
  end if;

  -- Lock order: one task.
  select task.attempt_count into v_attempt
  from triaged.live_tasks as task
  where task.task_id = decide_task.task_id and task.status = 'needs_decision'
  for update;

  if not found then
    perform triaged.raise_not_possible(decide_task.task_id, 'decided');
  end if;

  perform triaged.note_event('decide', '', triaged.operation_details(
    triaged.record_operation('decide', decide_task.task_id), decide_task.task_id, v_attempt
  ));

  update triaged.live_tasks
  set status = 'queued', decision = decide_task.decision, run_at = triaged.now()
  where task_id = decide_task.task_id;

  perform triaged.wake_workers();
end;
$$;
