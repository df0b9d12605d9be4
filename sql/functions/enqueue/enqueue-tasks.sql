-- Enqueue many tasks in one call.

-- -> queued, many at once. tasks is an array of objects whose keys are the argument names
-- of enqueue_task; the answers come in the order of the array, position 1 first. All are
-- enqueued or, where one raises, none.
create or replace function triaged.enqueue_tasks(tasks jsonb)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- Times in JSON are text, and mean the same whoever sends them.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
begin
  return query
  select added."position", added.task_id, added.outcome
  from triaged.add_tasks(enqueue_tasks.tasks, p_by => '') as added;
end;
$$;

-- -> queued. Does the work of enqueue_tasks for functions of the queue. p_by is the actor that
-- history names, '' for the caller; therefore nobody is granted this function.
--
-- Tasks without a dedupe_key are one insert. Tasks with a key go one by one, in the order of the
-- keys, so that two callers never wait for each other in a circle.
create or replace function triaged.add_tasks(p_tasks jsonb, p_by text)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  -- Then each payload must be measured by check_task.
  v_has_limit boolean := coalesce(current_setting('triaged.max_payload_bytes', true), '') <> '';
  -- Of the tasks without a key; null where all of them are.
  v_positions integer[];
  v_keyed_positions integer[];
  v_keyed_ids bigint[];
  v_keyed_outcomes text[];
begin
  perform triaged.check_batch(p_tasks);

  if p_tasks @? '$[*].dedupe_key' then
    -- A statement of its own: the event of the insert below is announced right before it.
    select array_agg(keyed."position"), array_agg(keyed.task_id), array_agg(keyed.outcome)
    into v_keyed_positions, v_keyed_ids, v_keyed_outcomes
    from triaged.enqueue_keyed_tasks(p_tasks, p_by) as keyed;

    v_positions := array(
      select each.ordinality
      from jsonb_array_elements(p_tasks) with ordinality as each (task, ordinality)
      where each.task ->> 'dedupe_key' is null
      order by each.ordinality
    );
  end if;

  perform triaged.note_event('enqueue', p_by);

  -- In one pass, from the array into the table: to keep the tasks in between, or to sort them,
  -- costs as much as an index.
  return query
  with created as (
    insert into triaged.live_tasks as task (
      task_id, task_type, payload, queue, priority, run_at, max_attempts, parent_task_id,
      root_task_id, metadata, created_at
    )
    overriding system value
    select
      each.task_id, each.task_type, each.payload, each.queue,
      triaged.parse_priority(each.priority), each.run_at,
      coalesce(each.max_attempts, known.max_attempts, 3), each.parent_task_id,
      case
        when each.parent_task_id is not null then triaged.root_of(each.parent_task_id)
      end,
      each.metadata, v_now
    -- Numbered before the join, whatever its plan: tasks due at the same time run in the given
    -- order.
    from (
      select
        nextval('triaged.live_tasks_task_id_seq') as task_id,
        given.task_type,
        coalesce(given.payload, '{}') as payload,
        coalesce(given.queue, 'default') as queue,
        given.priority,
        coalesce(given.run_at, v_now) as run_at,
        given.max_attempts,
        given.parent_task_id,
        coalesce(given.metadata, '{}') as metadata
      from jsonb_to_recordset(p_tasks) as given (
        task_type text, payload jsonb, queue text, priority text, run_at timestamptz,
        max_attempts integer, dedupe_key text, parent_task_id bigint, metadata jsonb
      )
      where given.dedupe_key is null
    ) as each
    left join triaged.task_types as known using (task_type)
    where
      case
        when not v_has_limit and triaged.is_plain_task(
          each.task_type, each.payload, each.queue, each.run_at, each.max_attempts, each.metadata
        )
          then true
        else triaged.check_task(
          each.task_type, each.payload, each.queue, each.run_at, each.max_attempts, each.metadata
        ) is not null
      end
    returning task.task_id, task.metadata
  ),
  told as (
    insert into triaged.push_configs (task_id, url, since_id, is_of_metadata)
    select task_id, metadata ->> 'webhook', triaged.drawn_history_id(), true
    from created
    where metadata ? 'webhook'
  )
  select coalesce(v_positions[numbered.place], numbered.place), numbered.task_id, 'created'
  from (
    select task_id, row_number() over (order by task_id)::integer as place from created
  ) as numbered
  union all
  select keyed."position", keyed.task_id, keyed.outcome
  from unnest(v_keyed_positions, v_keyed_ids, v_keyed_outcomes)
    as keyed ("position", task_id, outcome)
  order by 1;

  perform triaged.wake_workers();
end;
$$;

-- -> queued. Enqueue the tasks of a batch that have dedupe keys.
drop function if exists triaged.enqueue_keyed_tasks(jsonb);

create or replace function triaged.enqueue_keyed_tasks(p_tasks jsonb, p_by text)
returns table ("position" integer, task_id bigint, outcome text)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_task record;
begin
  for v_task in
    select *
    from rows from (
      jsonb_to_recordset(p_tasks) as (
        task_type text, payload jsonb, queue text, priority text, run_at timestamptz,
        max_attempts integer, dedupe_key text, dedupe_mode text, dedupe_for interval,
        parent_task_id bigint, metadata jsonb
      )
    ) with ordinality as each
    where each.dedupe_key is not null
    order by each.dedupe_key, each.ordinality
  loop
    return query
    select v_task.ordinality::integer, answer.task_id, answer.outcome
    from triaged.add_task(
      v_task.task_type, coalesce(v_task.payload, '{}'), coalesce(v_task.queue, 'default'),
      v_task.priority, v_task.run_at, v_task.max_attempts, v_task.dedupe_key,
      coalesce(v_task.dedupe_mode, 'keep'), v_task.dedupe_for, v_task.parent_task_id,
      coalesce(v_task.metadata, '{}'), p_by
    ) as answer;
  end loop;
end;
$$;

-- Raise an error for an array that enqueue_tasks cannot take. A misspelled key would otherwise be a
-- setting that is silently missing.
create or replace function triaged.check_batch(p_tasks jsonb)
returns void
language plpgsql
stable
as $$
declare
  v_known constant text[] := '{task_type, payload, queue, priority, run_at, max_attempts,
    dedupe_key, dedupe_mode, dedupe_for, parent_task_id, metadata}';
  -- In memory. All tasks are written in one transaction, which reads them several times. jsonb
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

  -- One look at each task; what is wrong is looked for where something is.
  if not exists (
    select from jsonb_array_elements(p_tasks) as task
    where case when jsonb_typeof(task) = 'object' then task - v_known <> '{}' else true end
  ) then
    return;
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

  raise exception 'unknown key % in a task', v_key
    using errcode = '22023', hint = 'Known are ' || array_to_string(v_known, ', ') || '.';
end;
$$;
