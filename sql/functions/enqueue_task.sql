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
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_run_at timestamptz := coalesce(enqueue_task.run_at, v_now);
  v_priority smallint := triaged.parse_priority(enqueue_task.priority::text);
  v_max_attempts integer := enqueue_task.max_attempts;
  v_until timestamptz := v_now + enqueue_task.dedupe_for;
  v_task_id bigint;
  v_holder bigint;
  v_root_task_id bigint;
begin
  perform triaged.check_task(
    enqueue_task.task_type, enqueue_task.payload, enqueue_task.queue, v_run_at,
    v_max_attempts, enqueue_task.metadata
  );

  if v_max_attempts is null then
    select known.max_attempts into v_max_attempts
    from triaged.task_types as known
    where known.task_type = enqueue_task.task_type;
  end if;

  if enqueue_task.parent_task_id is not null then
    v_root_task_id := triaged.root_of(enqueue_task.parent_task_id);
  end if;

  v_task_id := nextval('triaged.live_tasks_task_id_seq');

  if enqueue_task.dedupe_key is not null then
    if coalesce(enqueue_task.dedupe_mode, 'null') not in ('keep', 'replace') then
      raise exception 'expected dedupe_mode to be keep or replace, got %',
        coalesce(enqueue_task.dedupe_mode, 'null')
        using errcode = '22023';
    end if;

    v_holder := triaged.take_dedupe_key(enqueue_task.dedupe_key, v_task_id, v_until);

    if v_holder <> v_task_id then
      if enqueue_task.dedupe_mode = 'keep' then
        return query select v_holder, 'duplicate';
        return;
      end if;

      if triaged.replace_task(
        v_holder, enqueue_task.task_type, enqueue_task.payload, enqueue_task.queue,
        v_priority, v_run_at, coalesce(v_max_attempts, 3), enqueue_task.metadata
      ) then
        update triaged.dedupe_keys as held
        set until = greatest(held.until, v_until)
        where held.dedupe_key = enqueue_task.dedupe_key;

        perform triaged.ring_doorbell();
        return query select v_holder, 'replaced';
        return;
      end if;

      if not exists (select from triaged.live_tasks as live where live.task_id = v_holder) then
        return query select v_holder, 'duplicate';
        return;
      end if;

      -- The key was promised for the window of the task before, too.
      update triaged.dedupe_keys as held
      set task_id = v_task_id, until = greatest(held.until, v_until)
      where held.dedupe_key = enqueue_task.dedupe_key;
    end if;
  end if;

  perform triaged.note_event('enqueue');

  insert into triaged.live_tasks (
    task_id, task_type, payload, queue, priority, run_at, max_attempts, dedupe_key,
    parent_task_id, root_task_id, metadata, created_at
  )
  overriding system value
  values (
    v_task_id, enqueue_task.task_type, enqueue_task.payload, enqueue_task.queue,
    v_priority, v_run_at, coalesce(v_max_attempts, 3), enqueue_task.dedupe_key,
    enqueue_task.parent_task_id, v_root_task_id, enqueue_task.metadata, v_now
  );

  if v_run_at <= v_now then
    perform triaged.ring_lane(enqueue_task.queue, enqueue_task.task_type, v_priority);
  end if;

  return query select v_task_id, 'created';
end;
$$;
