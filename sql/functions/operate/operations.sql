-- Operations: what people did. Each verb of a person records itself, in the transaction of its
-- effect; what changed nothing is none.

-- Record an operation; its actor, reason and door are settings of the transaction. Returns its id.
create or replace function triaged.record_operation(
  p_action text,
  p_task_id bigint default null,
  p_target jsonb default '{}',
  p_change jsonb default null,
  p_expected bigint default null,
  p_is_estimate boolean default null,
  p_request_key text default null
)
returns bigint
language plpgsql
as $$
declare
  v_reason text := nullif(current_setting('triaged.reason', true), '');
  v_door text := coalesce(nullif(current_setting('triaged.door', true), ''), 'sql');
  v_operation_id bigint;
begin
  if length(v_reason) > 2000 then
    raise exception 'expected triaged.reason to have at most 2000 characters, got %',
      length(v_reason)
      using errcode = '22023';
  end if;

  if v_door not in ('sql', 'client', 'cli', 'rest', 'rpc', 'dashboard') then
    raise exception 'expected triaged.door to be sql, client, cli, rest, rpc or dashboard, got %',
      to_json(left(v_door, 80))
      using errcode = '22023';
  end if;

  insert into triaged.operations (
    at, action, actor, login, reason, door, task_id, target, change, expected, is_estimate,
    request_key
  )
  values (
    triaged.now(), p_action, triaged.current_person(), session_user, v_reason, v_door, p_task_id,
    p_target, p_change, p_expected, p_is_estimate, p_request_key
  )
  returning operation_id into v_operation_id;

  if triaged.audit_event_of(p_action) is not null then
    perform triaged.record_audit(triaged.audit_event_of(p_action), p_target, v_operation_id);
  end if;

  return v_operation_id;
end;
$$;

-- Who acts: as current_actor, whatever event was announced before.
create or replace function triaged.current_person()
returns text
language plpgsql
stable
as $$
declare
  v_actor text := current_setting('triaged.actor', true);
begin
  if v_actor <> '' then
    perform triaged.check_actor(v_actor);
    return v_actor;
  end if;

  return session_user;
end;
$$;

-- What note_event takes as details, so that the history of a task names the operation.
create or replace function triaged.operation_details(
  p_operation_id bigint,
  p_task_id bigint,
  p_attempt integer,
  p_change jsonb default null
)
returns jsonb
language sql
immutable
as $$
  select jsonb_build_object(
    p_task_id || '/' || p_attempt,
    jsonb_build_object('operation_id', p_operation_id) || coalesce(p_change, '{}')
  );
$$;

-- Retention: delete operations that are older than queue_settings keeps history, and older than
-- each row of history that is left and may name them; at most max_rows. Returns how many.
create or replace function triaged.expire_operations(max_rows integer default 10000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A day has 24 hours.
set timezone to 'UTC'
as $$
declare
  v_days integer := triaged.retention_days('task_history');
  v_before timestamptz := least(
    triaged.now() - make_interval(days => v_days),
    (select min(starts_at) from triaged.partitions where table_name = 'task_history'),
    (select min(at) from triaged.task_history_default)
  );
  v_deleted integer;
begin
  if v_days <= 0 then
    return 0;
  end if;

  -- Announced: the trigger refuses other deletes.
  perform triaged.note_event('expire');

  delete from triaged.operations
  where operation_id = any (array(
    select old.operation_id
    from triaged.operations as old
    where
      old.at < v_before
      and not exists (
        select from triaged.operation_progress as progress
        where progress.operation_id = old.operation_id and progress.status = 'running'
      )
    order by old.operation_id
    limit greatest(0, max_rows)
  ));
  get diagnostics v_deleted = row_count;

  perform triaged.note_event('');

  delete from triaged.verify_runs where ended_at < v_before;

  return v_deleted;
end;
$$;
