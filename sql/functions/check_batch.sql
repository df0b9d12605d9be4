-- Raise what is wrong with the array that somebody gave to enqueue_tasks: a misspelt key
-- would else be a setting that is silently not there.
create or replace function triaged.check_batch(p_tasks jsonb)
returns void
language plpgsql
stable
as $$
declare
  v_known constant text[] := '{task_type, payload, queue, priority, run_at, max_attempts,
    dedupe_key, dedupe_mode, dedupe_for, parent_task_id, metadata}';
  -- In memory. All of them are written in one transaction, and read several times for it; jsonb
  -- itself ends at 256 MiB, with a message that helps nobody.
  v_bytes_max constant integer := 67108864;
  v_key text;
  v_type text;
begin
  if jsonb_typeof(p_tasks) is distinct from 'array' then
    raise exception 'expected tasks to be a JSON array, got %',
      coalesce(jsonb_typeof(p_tasks), 'null')
      using errcode = '22023';
  end if;

  if pg_column_size(p_tasks) > v_bytes_max then
    raise exception 'the tasks have % bytes together, more than the limit of %',
      pg_column_size(p_tasks), v_bytes_max
      using
        errcode = 'TR003',
        hint = 'Enqueue them in several calls; in one transaction, if it must be all or none.';
  end if;

  select jsonb_typeof(task) into v_type
  from jsonb_array_elements(p_tasks) as task
  where jsonb_typeof(task) <> 'object'
  limit 1;

  if found then
    raise exception 'expected each task to be a JSON object, got %', v_type
      using errcode = '22023';
  end if;

  select key into v_key
  from jsonb_array_elements(p_tasks) as task
  cross join jsonb_object_keys(task) as key
  where key <> all (v_known)
  limit 1;

  if found then
    raise exception 'unknown key % in a task', v_key
      using errcode = '22023', hint = 'Known are ' || array_to_string(v_known, ', ') || '.';
  end if;
end;
$$;
