-- Take over tasks that ended in another system.

-- -> finished, failed, cancelled. Take over a task that has ended elsewhere, as it is: it never
-- runs, unless somebody retries it. task is an object whose keys are columns of the view tasks, and
-- worker_name. The task keeps the times that are given; history records the import, at the time of
-- the import. Returns its number, or that of the task that was given the same id before.
--
-- Retention counts from ended_at: a task that ended longer ago than tasks are kept goes with the
-- next run. Granted to owners alone, because whoever calls it writes the past of the audit.
create or replace function triaged.import_task(
  task jsonb,
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_row triaged.live_tasks := triaged.read_row(import_task.task);
  v_in_default boolean;
begin
  if v_row.given_id <> v_row.dedupe_key then
    raise exception 'the dedupe key of a task that was given an id is that id'
      using errcode = '22023', hint = 'Leave dedupe_key out.';
  end if;

  v_row.dedupe_key := coalesce(v_row.given_id, v_row.dedupe_key);
  v_row.ended_at := coalesce(v_row.ended_at, triaged.now());
  v_row.created_at := coalesce(v_row.created_at, v_row.started_at, v_row.ended_at);
  v_row.run_at := coalesce(v_row.run_at, v_row.created_at);
  v_row.max_attempts := coalesce(v_row.max_attempts, 3);
  v_row.attempt_count := coalesce(v_row.attempt_count, 0);
  v_row.failure_count := coalesce(v_row.failure_count, 0);
  v_row.rescue_count := coalesce(v_row.rescue_count, 0);
  perform triaged.check_import(v_row);

  if v_row.parent_task_id is not null then
    v_row.root_task_id := triaged.root_of(v_row.parent_task_id);
  end if;

  v_row.task_id := nextval('triaged.live_tasks_task_id_seq');
  task_id := v_row.task_id;
  outcome := 'created';

  if v_row.given_id is not null then
    task_id := triaged.take_given_id(v_row.given_id, v_row.task_id);

    if task_id <> v_row.task_id then
      outcome := 'duplicate';
      return;
    end if;
  end if;

  if import_task.task ->> 'worker_name' is not null then
    v_row.worker_id := triaged.worker_of_import(import_task.task ->> 'worker_name');
  end if;

  perform triaged.note_event('import');

  insert into triaged.final_tasks
  select v_row.*
  returning tableoid = 'triaged.final_tasks_default'::regclass into v_in_default;

  if v_in_default then
    perform triaged.note_import_horizon(v_row.ended_at);
  end if;
end;
$$;

-- Raise an error for a task that cannot be imported: one that the constraints of live_tasks would
-- refuse once it is retried, or one with impossible times.
create or replace function triaged.check_import(p_row triaged.live_tasks)
returns void
language plpgsql
stable
as $$
declare
  v_now timestamptz := triaged.now();
  v_large record;
  v_time record;
begin
  if p_row.status not in ('finished', 'failed', 'cancelled') then
    raise exception 'a task that is % cannot be imported', p_row.status
      using
        errcode = '22023',
        hint = 'What has ended is imported; what waits is enqueued, as queued.';
  end if;

  for v_time in
    select * from (
      -- ended_at first: the other times follow from it where they are not stated.
      values ('ended_at', p_row.ended_at), ('started_at', p_row.started_at),
        ('created_at', p_row.created_at), ('cancel_requested_at', p_row.cancel_requested_at)
    ) as stated (name, at)
  loop
    if not v_time.at between '0001-01-01 00:00+00' and v_now then
      raise exception 'expected % of a task that has ended to be in the past, got %',
        v_time.name, v_time.at
        using errcode = '22023', hint = 'Write it like 2027-01-31T08:00:00Z.';
    end if;
  end loop;

  perform triaged.check_task(
    p_row.task_type, p_row.payload, p_row.queue, p_row.run_at, p_row.max_attempts, p_row.metadata
  );

  if greatest(p_row.created_at, p_row.started_at) > p_row.ended_at then
    raise exception 'a task cannot end, at %, before it began, at %', p_row.ended_at,
      greatest(p_row.created_at, p_row.started_at)
      using errcode = '22023';
  end if;

  if
    p_row.attempt_count < 0
    or p_row.failure_count not between 0 and least(p_row.attempt_count, p_row.max_attempts)
    or p_row.rescue_count not between 0 and p_row.attempt_count
  then
    raise exception 'the counters of the task do not fit: % attempts, % failures of %, % rescues',
      p_row.attempt_count, p_row.failure_count, p_row.max_attempts, p_row.rescue_count
      using errcode = '22023', hint = 'docs/task-status.md says what each counts.';
  end if;

  if p_row.progress_pct not between 0 and 100 then
    raise exception 'expected progress_pct to be 0 to 100, got %', p_row.progress_pct
      using errcode = '22023';
  end if;

  if length(p_row.dedupe_key) not between 1 and 512 then
    raise exception 'expected dedupe_key to have 1 to 512 characters, got %',
      length(p_row.dedupe_key)
      using errcode = '22023';
  end if;

  if p_row.root_task_id is not null then
    raise exception 'root_task_id follows from parent_task_id: it cannot be given'
      using errcode = '22023', hint = 'Leave it out.';
  end if;

  select * into v_large
  from (
    values ('result', octet_length(p_row.result::text)), ('error', octet_length(p_row.error)),
      ('decision', octet_length(p_row.decision::text)),
      ('decision_prompt', octet_length(p_row.decision_prompt)),
      ('current_step', octet_length(p_row.current_step))
  ) as stated (name, bytes)
  where stated.bytes > triaged.payload_limit(stated.bytes)
  limit 1;

  if found then
    raise exception '% has % bytes, more than the limit of %', v_large.name, v_large.bytes,
      triaged.payload_limit(v_large.bytes)
      using errcode = 'TR003', hint = 'Store it elsewhere, or raise triaged.max_payload_bytes.';
  end if;
end;
$$;

-- The worker that stands for a worker of another system in imported tasks: one that has ended, with
-- the name that it had there. expire_rows deletes it like any other.
create or replace function triaged.worker_of_import(p_name text)
returns bigint
language plpgsql
as $$
declare
  v_worker_id bigint;
  v_now timestamptz := triaged.now();
begin
  if length(p_name) not between 1 and 200 then
    raise exception 'expected a worker name of 1 to 200 characters, got %', length(p_name)
      using errcode = '22023';
  end if;

  select worker.worker_id into v_worker_id
  from triaged.workers as worker
  where worker.name = p_name and worker.kind = 'compat' and worker.end_reason = 'imported'
  order by worker.worker_id desc
  limit 1;

  if v_worker_id is null then
    insert into triaged.workers (
      name, kind, queues, task_types, concurrency, lease, started_at, heartbeat_at, ended_at,
      end_reason
    )
    values (
      p_name, 'compat', '{}', '{}', 1, interval '10 minutes', v_now, v_now, v_now, 'imported'
    )
    returning worker_id into v_worker_id;
  end if;

  return v_worker_id;
end;
$$;

-- Remember that a task was imported into a day without a partition. verify says nothing about tasks
-- that ended on that day or before, since retention may have dropped them.
create or replace function triaged.note_import_horizon(p_ended_at timestamptz)
returns void
language plpgsql
as $$
declare
  v_day timestamptz := date_trunc('day', p_ended_at, 'UTC');
begin
  -- As verify has it: yesterday is never dropped.
  if
    v_day > date_trunc('day', triaged.now() - interval '48 hours', 'UTC')
    or exists (
      select from triaged.import_horizon as known
      where known.kept_from >= v_day + interval '24 hours'
    )
  then
    return;
  end if;

  insert into triaged.import_horizon as known (kept_from)
  values (v_day + interval '24 hours')
  on conflict (is_only) do update set kept_from = greatest(known.kept_from, excluded.kept_from);
end;
$$;
