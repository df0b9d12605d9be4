-- The beginning and the end of a worker process.

-- Register a worker process, and remember the max_attempts that its handlers declare. Returns its
-- worker_id, which is never used again.
create or replace function triaged.register_worker(
  name text,
  task_types text[],
  queues text[] default '{default}',
  concurrency integer default 1,
  host text default null,
  pid integer default null,
  lease interval default '15 seconds',
  max_attempts integer[] default null
)
returns bigint
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_worker_id bigint;
begin
  -- A rescue computes with every lease: a single one beyond the calendar would keep all workers
  -- from being rescued.
  if register_worker.lease not between interval '0' and interval '1 day' then
    raise exception 'expected lease to be at most a day, got %', register_worker.lease
      using errcode = '22023';
  end if;

  if length(register_worker.name) > 200 or length(register_worker.host) > 1000 then
    raise exception 'expected name to have at most 200 characters, and host 1000, got % and %',
      length(register_worker.name), length(register_worker.host)
      using errcode = '22023';
  end if;

  insert into triaged.task_types as known (task_type, max_attempts)
  -- Each type once, lest the statement meet its own row.
  select distinct on (declared.task_type)
    declared.task_type, coalesce(declared.max_attempts, 3)
  from unnest(register_worker.task_types, register_worker.max_attempts)
    as declared (task_type, max_attempts)
  order by declared.task_type
  on conflict (task_type) do update
  set max_attempts = excluded.max_attempts
  -- Workers of one version start together; none waits for a row that is already right.
  where known.max_attempts <> excluded.max_attempts;

  insert into triaged.workers (
    name, host, pid, queues, task_types, concurrency, lease, started_at, heartbeat_at
  )
  values (
    register_worker.name, register_worker.host, register_worker.pid, register_worker.queues,
    register_worker.task_types, register_worker.concurrency, register_worker.lease,
    triaged.now(), triaged.now()
  )
  returning worker_id into v_worker_id;

  return v_worker_id;
end;
$$;

-- End a worker process. The tasks that it still holds are released: it has stopped, and nobody else
-- would take them back. Returns false if it had ended before.
create or replace function triaged.end_worker(worker_id bigint, reason text default 'stopped')
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_task_ids bigint[];
  v_attempts integer[];
begin
  -- Lock order: worker before tasks. This lock is stronger than that of the update below, so that
  -- it waits for a claim, which share-locks the row: the claimed tasks are released too.
  perform from triaged.workers where worker_id = end_worker.worker_id for update;

  update triaged.workers
  set ended_at = triaged.now(), end_reason = end_worker.reason
  where worker_id = end_worker.worker_id and ended_at is null;

  if not found then
    return false;
  end if;

  v_task_ids := triaged.held_task_ids(array[end_worker.worker_id]);

  select array_agg(task.task_id), array_agg(task.attempt_count) into v_task_ids, v_attempts
  from triaged.live_tasks as task
  where task.task_id = any (v_task_ids) and task.worker_id = end_worker.worker_id;

  perform triaged.release_tasks(v_task_ids, v_attempts);

  delete from triaged.claims where worker_id = end_worker.worker_id;

  return true;
end;
$$;
