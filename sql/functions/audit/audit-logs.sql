-- The audit log: what happened that is no task. audit_logs is written here alone, but for rows of
-- migrations, which the migrator writes in the transaction of each.

-- How grave an event is; null for one that is not known. The list of all events there are:
-- AUDIT_EVENTS in src/model/audit.ts is the same one, and docs/audit.md describes them.
create or replace function triaged.audit_severity(p_event_type text)
returns text
language sql
immutable
as $$
  select case p_event_type
    when 'audit.expired' then 'debug'
    when 'backup.failed' then 'error'
    when 'backup.made' then 'info'
    when 'drill.failed' then 'error'
    when 'drill.performed' then 'info'
    when 'key.changed' then 'warning'
    when 'key.created' then 'warning'
    when 'key.revoked' then 'warning'
    when 'limit.changed' then 'warning'
    when 'migration.applied' then 'info'
    when 'migration.failed' then 'error'
    when 'migration.mended' then 'warning'
    when 'queue.paused' then 'warning'
    when 'queue.resumed' then 'info'
    when 'reset.performed' then 'critical'
    when 'restore.failed' then 'error'
    when 'restore.performed' then 'critical'
    when 'role.granted' then 'warning'
    when 'role.revoked' then 'warning'
    when 'schedule.paused' then 'warning'
    when 'schedule.resumed' then 'info'
    when 'server.timeline_changed' then 'critical'
    when 'setting.changed' then 'warning'
    when 'signin.failed' then 'warning'
    when 'signin.succeeded' then 'info'
    when 'task_type.paused' then 'warning'
    when 'task_type.resumed' then 'info'
  end;
$$;

-- Write one row; its actor is that of operations. Details without values of secrets, and cut to
-- 8,000 letters. Returns its id.
create or replace function triaged.record_audit(
  p_event_type text,
  p_details jsonb default '{}',
  p_operation_id bigint default null,
  p_count integer default 1
)
returns bigint
language plpgsql
as $$
declare
  c_letters_max constant integer := 8000;
  v_severity text := triaged.audit_severity(p_event_type);
  v_letters integer := octet_length(p_details::text);
  v_details jsonb;
  v_audit_id bigint;
begin
  if v_severity is null then
    raise exception 'there is no audit event %', to_json(left(p_event_type, 80))
      using errcode = '22023', hint = 'docs/audit.md lists them';
  end if;

  -- Nobody waits for secrets to be looked for in so much: none of it is kept.
  v_details := case
    when v_letters > 20 * c_letters_max then jsonb_build_object('cut', true, 'letters', v_letters)
    else triaged.without_secrets(coalesce(p_details, '{}'))
  end;

  -- A letter has four bytes at most, and 16,384 bytes is the limit of the table.
  if octet_length(v_details::text) > 2 * c_letters_max then
    v_details := jsonb_build_object(
      'cut', true, 'letters', v_letters, 'begins', left(v_details::text, 1000)
    );
  end if;

  insert into triaged.audit_logs (
    occurred_at, event_type, severity, actor, login, operation_id, count, details
  )
  values (
    triaged.now(), p_event_type, v_severity, triaged.current_person(), session_user,
    p_operation_id, p_count, v_details
  )
  returning audit_id into v_audit_id;

  return v_audit_id;
end;
$$;

-- Whether a value of this name is for nobody to read: the names that UI_REDACT covers unless it is
-- told otherwise, and addresses of webhooks, whose path is their secret.
create or replace function triaged.is_secret_name(p_name text)
returns boolean
language sql
immutable
as $$
  select lower(regexp_replace(p_name, '[^A-Za-z0-9]', '', 'g') collate "C")
    ~ 'password|passwd|secret|token|apikey|privatekey|authorization|cookie|webhookurl|alerturl';
$$;

-- The same value with **** for what stands under a secret's name, at any depth to 20, and for
-- logins in addresses. Below that nothing is kept.
create or replace function triaged.without_secrets(p_value jsonb, p_depth integer default 0)
returns jsonb
language plpgsql
immutable
as $$
declare
  c_depth_max constant integer := 20;
begin
  if p_depth > c_depth_max then
    return '"****"';
  end if;

  case jsonb_typeof(p_value)
    when 'object' then
      return coalesce(
        (
          select jsonb_object_agg(
            each.key, case
              when triaged.is_secret_name(each.key) and jsonb_typeof(each.value) <> 'number'
                then '"****"'
              else triaged.without_secrets(each.value, p_depth + 1)
            end
          )
          from jsonb_each(p_value) as each
        ),
        '{}'
      );
    when 'array' then
      return coalesce(
        (
          select jsonb_agg(
            triaged.without_secrets(each.value, p_depth + 1) order by each.place
          )
          from jsonb_array_elements(p_value) with ordinality as each (value, place)
        ),
        '[]'
      );
    when 'string' then
      return to_jsonb(
        regexp_replace(p_value #>> '{}', '://[^/@[:space:]]+@', '://****@', 'g')
      );
    else
      return p_value;
  end case;
end;
$$;

-- What a person's action is in the audit log; null for what is of tasks, effects or triage.
create or replace function triaged.audit_event_of(p_action text)
returns text
language sql
immutable
as $$
  select case p_action
    when 'pause_queue' then 'queue.paused'
    when 'resume_queue' then 'queue.resumed'
    when 'pause_task_type' then 'task_type.paused'
    when 'resume_task_type' then 'task_type.resumed'
    when 'pause_schedule' then 'schedule.paused'
    when 'resume_schedule' then 'schedule.resumed'
  end;
$$;

-- Whether so many rows of a kind came lately that no more are written: what a stranger, or a
-- process that starts again and again, can have written for him fills no disk.
create or replace function triaged.audit_is_full(p_event_type text)
returns boolean
language sql
stable
as $$
  -- audit_rows_per_minute_max is 30, audit_rows_per_hour_max is 200.
  select exists (
    select
    from (values (30, interval '1 minute'), (200, interval '1 hour')) as bound (rows_max, span)
    where (
      select newest.occurred_at
      from triaged.audit_logs as newest
      where newest.event_type = p_event_type
      order by newest.audit_id desc
      offset bound.rows_max - 1
      limit 1
    ) > triaged.now() - bound.span
  );
$$;

-- Write what a maintenance command did: backups, restores, drills, resets, failed migrations. For
-- the owner: what it says is believed. Returns the id of the row.
create or replace function triaged.record_event(event_type text, details jsonb default '{}')
returns bigint
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  if
    record_event.event_type is null
    or split_part(record_event.event_type, '.', 1)
      not in ('backup', 'drill', 'migration', 'reset', 'restore')
  then
    raise exception 'expected an event of a backup, drill, migration, reset or restore, got %',
      to_json(left(record_event.event_type, 80))
      using errcode = '22023';
  end if;

  return triaged.record_audit(
    record_event.event_type,
    case
      when jsonb_typeof(record_event.details) = 'object' then record_event.details
      else jsonb_build_object('said', record_event.details)
    end
  );
end;
$$;

-- Write attempts to come in, each {"outcome": "failed" or "succeeded", "source", "door", "reason",
-- "name", "count"}; of a kind at most 30 rows a minute and 200 an hour. Returns how many of the
-- first ones were written; the others wait with whoever asks.
create or replace function triaged.record_sign_ins(attempts jsonb)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  c_attempts_max constant integer := 100;
  v_one jsonb;
  v_event_type text;
  v_written integer := 0;
begin
  if jsonb_typeof(attempts) is distinct from 'array' then
    raise exception 'expected an array of attempts' using errcode = '22023';
  end if;

  for v_one in
    select each.value
    from jsonb_array_elements(attempts) with ordinality as each (value, place)
    where each.place <= c_attempts_max
    order by each.place
  loop
    v_event_type := case
      when v_one ->> 'outcome' = 'succeeded' then 'signin.succeeded'
      else 'signin.failed'
    end;
    exit when triaged.audit_is_full(v_event_type);

    perform triaged.record_audit(
      v_event_type,
      jsonb_strip_nulls(jsonb_build_object(
        'source', left(v_one ->> 'source', 100),
        'door', left(v_one ->> 'door', 200),
        'reason', left(v_one ->> 'reason', 100),
        'name', left(v_one ->> 'name', 100)
      )),
      p_count => case
        when v_one ->> 'count' ~ '^[1-9][0-9]{0,8}$' then (v_one ->> 'count')::integer
        else 1
      end
    );
    v_written := v_written + 1;
  end loop;

  return v_written;
end;
$$;

-- Retention: delete debug and info older than 90 days, warnings and errors older than the setting
-- audit_retention_days says (0: never); at most max_rows. What is critical stays for ever. Returns
-- how many.
create or replace function triaged.expire_audit_logs(max_rows integer default 10000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A day has 24 hours.
set timezone to 'UTC'
as $$
declare
  c_brief_days constant integer := 90;
  v_days integer := triaged.retention_days('audit_logs');
  v_now timestamptz := triaged.now();
  v_before_of_brief timestamptz := v_now - make_interval(days => c_brief_days);
  v_before timestamptz := v_now - make_interval(days => v_days);
  v_deleted integer;
begin
  -- Announced: the trigger refuses other deletes.
  perform triaged.note_event('expire');

  delete from triaged.audit_logs
  where audit_id = any (array(
    select old.audit_id
    from triaged.audit_logs as old
    where
      old.occurred_at < greatest(v_before_of_brief, v_before)
      and (
        (old.severity in ('debug', 'info') and old.occurred_at < v_before_of_brief)
        or (
          old.severity in ('warning', 'error') and v_days > 0 and old.occurred_at < v_before
        )
      )
    limit greatest(0, max_rows)
  ));
  get diagnostics v_deleted = row_count;

  perform triaged.note_event('');

  if v_deleted > 0 then
    perform triaged.record_audit('audit.expired', jsonb_build_object('rows', v_deleted));
  end if;

  return v_deleted;
end;
$$;
