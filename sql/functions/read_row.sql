-- A row of live_tasks with what somebody stated of a task: an object whose keys are columns of the
-- view tasks, and worker_name. Raises what cannot be one. Nothing of it is checked but its form.
create or replace function triaged.read_row(p_task jsonb)
returns triaged.live_tasks
language plpgsql
stable
as $$
declare
  v_key text;
begin
  if jsonb_typeof(p_task) is distinct from 'object' then
    raise exception 'expected task to be a JSON object, got %',
      coalesce(jsonb_typeof(p_task), 'null')
      using errcode = '22023';
  end if;

  select key into v_key
  from jsonb_object_keys(p_task) as key
  where
    key <> 'worker_name'
    and not exists (
      select from pg_attribute
      where
        attrelid = 'triaged.live_tasks'::regclass
        and attname = key
        and attnum > 0
        and not attisdropped
    )
  limit 1;

  if found then
    raise exception 'unknown key % in a task', to_json(left(v_key, 80))
      using errcode = '22023', hint = 'Known are the columns of triaged.tasks, and worker_name.';
  end if;

  -- Who moved a task from elsewhere would look for it under that number.
  if p_task ->> 'task_id' is not null then
    raise exception 'the queue gives a task its number: task_id % cannot be kept',
      to_json(left(p_task ->> 'task_id', 80))
      using
        errcode = '22023',
        hint = 'Leave it out, or give the task an id of yours as given_id; '
          'triaged_compat.tasks takes that as task_id.';
  end if;

  return jsonb_populate_record(null::triaged.live_tasks, p_task || jsonb_build_object(
    'queue', coalesce(p_task ->> 'queue', 'default'),
    'payload', coalesce(nullif(p_task -> 'payload', 'null'), '{}'),
    'metadata', coalesce(nullif(p_task -> 'metadata', 'null'), '{}'),
    'result', nullif(p_task -> 'result', 'null'),
    'decision', nullif(p_task -> 'decision', 'null'),
    'priority', triaged.parse_priority(p_task ->> 'priority'),
    'status', triaged.known_status(p_task ->> 'status')
  ));
end;
$$;
