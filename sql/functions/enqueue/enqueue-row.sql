-- Enqueue a task that is stated as an object of columns.

-- -> queued. Enqueue a task that is stated as an object whose keys are columns of the view tasks.
-- given_id is an id of the producer's own: the task is found by it for as long as its row is kept,
-- and the same id given again is a duplicate, even after the task has ended. created_at may lie in
-- the past. A column that only the queue sets is refused, so that none is silently dropped.
create or replace function triaged.enqueue_row(
  task jsonb,
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_row triaged.live_tasks := triaged.read_row(enqueue_row.task);
  v_stated text;
  v_added record;
begin
  if v_row.status <> 'queued' then
    raise exception 'expected the status of a task that is enqueued to be queued, got %',
      v_row.status
      using errcode = '22023';
  end if;

  select key into v_stated
  from jsonb_each_text(enqueue_row.task) as stated
  where
    stated.key in (
      'attempt_count', 'failure_count', 'rescue_count', 'worker_id', 'worker_name',
      'cancel_requested_at', 'progress_pct', 'current_step', 'result', 'error',
      'decision_prompt', 'decision', 'root_task_id', 'started_at', 'ended_at'
    )
    and stated.value is not null
    and not (stated.key like '%_count' and stated.value = '0')
  order by stated.key
  limit 1;

  if found then
    raise exception 'a queued task has no % yet: the queue sets it', v_stated
      using
        errcode = '22023',
        hint = 'Leave it out; a task that has ended is imported with its final status.';
  end if;

  if v_row.given_id <> v_row.dedupe_key then
    raise exception 'the dedupe key of a task that was given an id is that id'
      using errcode = '22023', hint = 'Leave dedupe_key out.';
  end if;

  if not v_row.created_at between '0001-01-01 00:00+00' and triaged.now() then
    raise exception 'expected created_at to be a time in the past, got %', v_row.created_at
      using errcode = '22023', hint = 'Leave it out for now.';
  end if;

  v_added := triaged.add_task(
    v_row.task_type, v_row.payload, v_row.queue, v_row.priority::text, v_row.run_at,
    v_row.max_attempts, v_row.dedupe_key, 'keep', null, v_row.parent_task_id, v_row.metadata,
    p_by => '', p_given_id => v_row.given_id, p_created_at => v_row.created_at
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
end;
$$;

-- A row of live_tasks from an object whose keys are columns of the view tasks, and worker_name.
-- Raises an error for an object that cannot be a row, and checks nothing but its form.
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
        attrelid = 'triaged.tasks'::regclass
        and attname = key
        and attnum > 0
        and not attisdropped
    )
  limit 1;

  if found then
    raise exception 'unknown key % in a task', to_json(left(v_key, 80))
      using errcode = '22023', hint = 'Known are the columns of triaged.tasks, and worker_name.';
  end if;

  -- Whoever moved a task here would look for it under that number.
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

-- One of the six statuses, for a name that this queue, an older system or A2A uses; queued for
-- null. Raises 22023 for any other name.
create or replace function triaged.known_status(status text)
returns text
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
declare
  v_status text := case
    regexp_replace(replace(lower(coalesce(known_status.status, 'queued')), '-', '_'),
      '^task_state_', '')
    when 'queued' then 'queued'
    when 'pending' then 'queued'
    when 'submitted' then 'queued'
    when 'started' then 'started'
    when 'running' then 'started'
    when 'working' then 'started'
    when 'in_progress' then 'started'
    when 'needs_decision' then 'needs_decision'
    when 'input_required' then 'needs_decision'
    when 'finished' then 'finished'
    when 'completed' then 'finished'
    when 'failed' then 'failed'
    when 'cancelled' then 'cancelled'
    when 'canceled' then 'cancelled'
  end;
begin
  if v_status is null then
    raise exception 'unknown status %', to_json(left(known_status.status, 80))
      using
        errcode = '22023',
        hint = 'Known are queued, started, needs_decision, finished, failed, cancelled, '
          'and for these pending, submitted, running, working, in_progress, input_required, '
          'completed, canceled.';
  end if;

  return v_status;
end;
$$;
