-- What is refused as an operation on many tasks.

-- Raise an error for an operation on many tasks that cannot be.
create or replace function triaged.check_operation(
  p_action text,
  p_filter jsonb,
  p_change jsonb,
  p_is_preview boolean default false
)
returns void
language plpgsql
stable
as $$
declare
  c_bytes_max constant integer := 65536;
  c_texts constant text[] := '{status, task_type, queue, repo, context_id, worker, error,
    error_shape, cause}';
  c_times constant text[] := '{created_since, created_before, ended_since, ended_before}';
  v_key text;
  v_value jsonb;
begin
  if coalesce(p_action, '') not in ('retry', 'cancel', 'change_priority', 'change_run_at') then
    raise exception 'expected action to be retry, cancel, change_priority or change_run_at, got %',
      coalesce(to_json(left(p_action, 80))::text, 'null')
      using errcode = '22023';
  end if;

  if
    jsonb_typeof(p_filter) is distinct from 'object'
    or octet_length(p_filter::text) > c_bytes_max
  then
    raise exception 'expected filter to be a JSON object of at most % bytes', c_bytes_max
      using errcode = '22023';
  end if;

  for v_key, v_value in select * from jsonb_each(p_filter) loop
    if v_key = any (c_texts) then
      if jsonb_typeof(v_value) <> 'string' or length(v_value #>> '{}') not between 1 and 2000 then
        raise exception 'expected filter.% to be a text of 1 to 2000 characters', v_key
          using errcode = '22023';
      end if;
    elsif v_key = any (c_times) then
      perform triaged.check_time('filter.' || v_key, v_value);
    elsif v_key = 'parent_task_id' then
      if coalesce(v_value #>> '{}', '') !~ '^[0-9]{1,18}$' then
        raise exception 'expected filter.parent_task_id to be the id of a task'
          using errcode = '22023';
      end if;
    elsif v_key = 'payload' then
      if jsonb_typeof(v_value) <> 'object' then
        raise exception 'expected filter.payload to be an object' using errcode = '22023';
      end if;
    else
      raise exception 'unknown key % in filter', to_json(left(v_key, 80))
        using
          errcode = '22023',
          hint = 'Known are ' || array_to_string(c_texts || c_times, ', ')
            || ', parent_task_id, payload.';
    end if;
  end loop;

  if p_filter ? 'status' and p_filter ->> 'status' not in (
    'queued', 'started', 'needs_decision', 'finished', 'failed', 'cancelled'
  ) then
    raise exception 'expected filter.status to be a status, got %',
      to_json(left(p_filter ->> 'status', 80))
      using errcode = '22023';
  end if;

  if p_filter ->> 'status' <> all (case p_action
    when 'retry' then array['failed', 'cancelled']
    when 'change_run_at' then array['queued']
    else array['queued', 'started', 'needs_decision']
  end) then
    raise exception '% is not possible for tasks that are %', p_action, p_filter ->> 'status'
      using errcode = 'TR002';
  end if;

  if p_is_preview then
    return;
  end if;

  if p_action = 'change_priority' then
    if (p_change ->> 'priority') !~ '^[0-3]$' is not false then
      raise exception 'expected change.priority to be 0 to 3' using errcode = '22023';
    end if;
  elsif p_action = 'change_run_at' then
    if jsonb_typeof(p_change -> 'run_at') is distinct from 'null' then
      perform triaged.check_time('change.run_at', p_change -> 'run_at');
    end if;
  elsif p_change is not null then
    raise exception 'expected no change with %', p_action using errcode = '22023';
  end if;
end;
$$;

-- Raise an error for a JSON value that is no time in ISO 8601 with its zone.
create or replace function triaged.check_time(p_name text, p_value jsonb)
returns void
language plpgsql
stable
-- Times in JSON are text, and mean the same whoever asks.
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
begin
  if jsonb_typeof(p_value) = 'string' and p_value #>> '{}' ~ (
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?'
    '(Z|[+-][0-9]{2}:[0-9]{2})$'
  ) then
    perform (p_value #>> '{}')::timestamptz;
    return;
  end if;

  raise exception 'expected % to be a time like 2026-01-31T12:00:00Z', p_name
    using errcode = '22023';
exception
  when datetime_field_overflow or invalid_datetime_format then
    raise exception 'expected % to be a time like 2026-01-31T12:00:00Z', p_name
      using errcode = '22023';
end;
$$;
