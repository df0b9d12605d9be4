-- Enqueue one task: enqueue_task for any caller, enqueue_plain_task for callers with plain types,
-- and add_task, which does the work for both.

-- -> queued. Enqueue a task in the caller's transaction: it exists if and only if
-- that transaction commits. Returns its id and the outcome:
--   created     the task is new
--   duplicate   dedupe_key is held by another task, whose id this is; nothing written
--   replaced    dedupe_mode is 'replace', and the queued task of that id, which holds
--               the key, has the given payload and settings
-- A key is held while its task is live, and with dedupe_for at least for that long. A
-- task that is started is never replaced, lest the newer payload be lost: a new task
-- is created and takes the key over.
--
-- priority is 0 to 3 or a word; run_at defaults to now; max_attempts to what the
-- handler of the task type declared, else 3.
--
-- A priority of any type becomes text here, with the rights of the caller, who may have written
-- the cast. So this function must never run with the rights of another role: enqueue_plain_task
-- does, and takes plain types alone.
create or replace function triaged.enqueue_task(
  task_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority anycompatible default 2,
  run_at timestamptz default null,
  max_attempts integer default null,
  dedupe_key text default null,
  dedupe_mode text default 'keep',
  dedupe_for interval default null,
  parent_task_id bigint default null,
  metadata jsonb default '{}'
)
returns table (task_id bigint, outcome text)
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_added record;
begin
  -- Assigned, not selected: an expression is spared the start of a query.
  v_added := triaged.enqueue_plain_task(
    enqueue_task.task_type, enqueue_task.payload, enqueue_task.queue,
    enqueue_task.priority::text, enqueue_task.run_at, enqueue_task.max_attempts,
    enqueue_task.dedupe_key, enqueue_task.dedupe_mode, enqueue_task.dedupe_for,
    enqueue_task.parent_task_id, enqueue_task.metadata
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
  return next;
end;
$$;

-- enqueue_task for callers whose priority is already text: one row, and one function call less.
create or replace function triaged.enqueue_plain_task(
  task_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority text default null,
  run_at timestamptz default null,
  max_attempts integer default null,
  dedupe_key text default null,
  dedupe_mode text default 'keep',
  dedupe_for interval default null,
  parent_task_id bigint default null,
  metadata jsonb default '{}',
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_added record;
begin
  v_added := triaged.add_task(
    enqueue_plain_task.task_type, enqueue_plain_task.payload, enqueue_plain_task.queue,
    enqueue_plain_task.priority, enqueue_plain_task.run_at, enqueue_plain_task.max_attempts,
    enqueue_plain_task.dedupe_key, enqueue_plain_task.dedupe_mode,
    enqueue_plain_task.dedupe_for, enqueue_plain_task.parent_task_id,
    enqueue_plain_task.metadata, p_by => ''
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
end;
$$;

-- -> queued. Does the work of enqueue_task for functions of the queue. p_by is the actor that
-- history names, '' for the caller; therefore nobody is granted this function. With p_given_id, the
-- id that the producer gave, the task is created, or it is a duplicate of the task with that id,
-- even of one that has ended.
create or replace function triaged.add_task(
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_priority text,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_dedupe_key text,
  p_dedupe_mode text,
  p_dedupe_for interval,
  p_parent_task_id bigint,
  p_metadata jsonb,
  p_by text,
  p_given_id text default null,
  p_created_at timestamptz default null,
  out task_id bigint,
  out outcome text
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_run_at timestamptz := coalesce(p_run_at, v_now);
  v_priority smallint := triaged.parse_priority(p_priority);
  v_max_attempts integer := p_max_attempts;
  -- A day of dedupe_for has 24 hours, also where the caller's clocks are changed in it.
  v_until timestamptz := case
    when p_dedupe_for is not null
      then (v_now at time zone 'UTC' + p_dedupe_for) at time zone 'UTC'
  end;
  v_task_id bigint;
  v_holder bigint;
  v_root_task_id bigint;
begin
  perform triaged.check_task(
    p_task_type, p_payload, p_queue, v_run_at,
    v_max_attempts, p_metadata
  );

  if v_max_attempts is null then
    select known.max_attempts into v_max_attempts
    from triaged.task_types as known
    where known.task_type = p_task_type;
  end if;

  if p_parent_task_id is not null then
    v_root_task_id := triaged.root_of(p_parent_task_id);
  end if;

  v_task_id := nextval('triaged.live_tasks_task_id_seq');

  if p_given_id is not null then
    v_holder := triaged.take_given_id(p_given_id, v_task_id);

    if v_holder <> v_task_id then
      task_id := v_holder;
      outcome := 'duplicate';
      return;
    end if;
  elsif p_dedupe_key is not null then
    if coalesce(p_dedupe_mode, 'null') not in ('keep', 'replace') then
      raise exception 'expected dedupe_mode to be keep or replace, got %',
        coalesce(p_dedupe_mode, 'null')
        using errcode = '22023';
    end if;

    v_holder := triaged.take_dedupe_key(p_dedupe_key, v_task_id, v_until);

    if v_holder <> v_task_id then
      if p_dedupe_mode = 'keep' then
        task_id := v_holder;
        outcome := 'duplicate';
        return;
      end if;

      if triaged.replace_task(
        v_holder, p_task_type, p_payload, p_queue,
        v_priority, v_run_at, coalesce(v_max_attempts, 3), p_metadata
      ) then
        update triaged.dedupe_keys as held
        set until = greatest(held.until, v_until)
        where held.dedupe_key = p_dedupe_key;

        perform triaged.keep_webhook(v_holder, p_metadata);
        perform triaged.wake_workers();
        task_id := v_holder;
        outcome := 'replaced';
        return;
      end if;

      if not exists (select from triaged.live_tasks as live where live.task_id = v_holder) then
        task_id := v_holder;
        outcome := 'duplicate';
        return;
      end if;

      -- The key stays taken for the window of the earlier task as well.
      update triaged.dedupe_keys as held
      set task_id = v_task_id, until = greatest(held.until, v_until)
      where held.dedupe_key = p_dedupe_key;
    end if;
  end if;

  -- Before the task, so that its first row of history is told as well.
  if p_metadata ? 'webhook' then
    perform triaged.keep_webhook(v_task_id, p_metadata);
  end if;

  perform triaged.note_event('enqueue', p_by);

  insert into triaged.live_tasks (
    task_id, task_type, payload, queue, priority, run_at, max_attempts, dedupe_key,
    parent_task_id, root_task_id, metadata, created_at, given_id
  )
  overriding system value
  values (
    v_task_id, p_task_type, p_payload, p_queue,
    v_priority, v_run_at, coalesce(v_max_attempts, 3), coalesce(p_given_id, p_dedupe_key),
    p_parent_task_id, v_root_task_id, p_metadata, coalesce(p_created_at, v_now), p_given_id
  );

  if v_run_at <= v_now then
    perform triaged.wake_workers_of_lane(p_queue, p_task_type, v_priority);
  end if;

  task_id := v_task_id;
  outcome := 'created';
end;
$$;

-- queued -> queued. Give a task that is still unclaimed another payload and other settings, as if
-- it were enqueued anew: its failures are forgotten. Returns false, and writes nothing, where the
-- task is not queued.
create or replace function triaged.replace_task(
  p_task_id bigint,
  p_task_type text,
  p_payload jsonb,
  p_queue text,
  p_priority smallint,
  p_run_at timestamptz,
  p_max_attempts integer,
  p_metadata jsonb
)
returns boolean
language plpgsql
as $$
begin
  perform triaged.note_event('replace');

  update triaged.live_tasks
  set
    task_type = p_task_type,
    payload = p_payload,
    queue = p_queue,
    priority = p_priority,
    run_at = p_run_at,
    max_attempts = p_max_attempts,
    metadata = p_metadata,
    failure_count = 0,
    error = null
  where task_id = p_task_id and status = 'queued';

  return found;
end;
$$;
