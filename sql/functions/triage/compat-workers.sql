-- Functions of schema triaged for workers that were written for the older system.

-- queued -> started, for workers that were written for the older system: one due triage
-- task, or no row. The worker is known by its name. It has no heartbeat and no session
-- lock; each call renews its lease of ten minutes.
create or replace function triaged.get_next_task(worker_id_param varchar)
returns table (
  task_id bigint,
  skill_name text,
  task_type text,
  source_repo text,
  target_repo text,
  change_event jsonb,
  relationship_config jsonb
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_worker_id bigint := triaged.touch_compat_worker(worker_id_param);
begin
  return query
  select
    claimed.task_id, 'trigger_' || claimed.task_type, claimed.task_type,
    claimed.payload ->> 'source_repo', claimed.payload ->> 'target_repo',
    claimed.payload -> 'change_event', claimed.payload -> 'relationship_config'
  from triaged.claim_tasks(v_worker_id, 1) as claimed;
end;
$$;

-- The worker_id of a worker that is known by its name only, with its lease renewed. A name without
-- a live worker gets a new one.
create or replace function triaged.touch_compat_worker(p_name text)
returns bigint
language plpgsql
as $$
declare
  v_worker_id bigint;
  v_tidied bigint;
begin
  if p_name is null or p_name = '' then
    raise exception 'expected a worker name, got none' using errcode = '22023';
  end if;

  if length(p_name) > 200 then
    raise exception 'expected a worker name of at most 200 characters, got %', length(p_name)
      using errcode = '22023';
  end if;

  update triaged.workers
  set heartbeat_at = triaged.now()
  where name = p_name and kind = 'compat' and ended_at is null
  returning worker_id, tidied_claim_id into v_worker_id, v_tidied;

  if v_worker_id is not null then
    -- It has no heartbeat that would.
    update triaged.workers
    set tidied_claim_id = triaged.tidy_claims(v_worker_id, v_tidied)
    where worker_id = v_worker_id;

    return v_worker_id;
  end if;

  -- One worker for a name, also when two calls come at once: the second call finds the worker of
  -- the first. The lock comes after the first look, so that a session that keeps it delays no known
  -- worker.
  perform triaged.take_lock('compat ' || p_name);

  update triaged.workers
  set heartbeat_at = triaged.now()
  where name = p_name and kind = 'compat' and ended_at is null
  returning worker_id into v_worker_id;

  if v_worker_id is null then
    insert into triaged.workers (
      name, kind, queues, task_types, concurrency, lease, started_at, heartbeat_at
    )
    values (
      p_name, 'compat', '{default}', '{consumer_triage,template_triage}', 1,
      interval '10 minutes', triaged.now(), triaged.now()
    )
    returning worker_id into v_worker_id;
  end if;

  return v_worker_id;
end;
$$;

-- What a compat worker says of the task that get_next_task gave it: finished -> finish,
-- failed -> fail (and again while failures are left), queued -> release, cancelled ->
-- cancel, started -> the lease is renewed. Raises TR001 for an unknown task, and TR002
-- for one that is not started or that a native worker holds.
--
-- Without attempt_count_param it cannot tell two compat workers apart that hold the same
-- task one after the other, the first presumed dead: the late result of the first is
-- then taken for that of the second.
create or replace function triaged.update_task_status(
  task_id_param bigint,
  status_param varchar,
  result_param jsonb default null,
  error_param text default null,
  attempt_count_param integer default null
)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_attempt integer;
  v_worker_id bigint;
  v_outcome text := case status_param
    when 'finished' then 'finish'
    when 'failed' then 'retry'
    when 'queued' then 'release'
    when 'started' then 'renew'
    when 'cancelled' then 'cancel'
  end;
begin
  if v_outcome is null then
    raise exception 'unknown status %', coalesce(status_param, 'null')
      using
        errcode = '22023',
        hint = 'Known are finished, failed, queued, cancelled, started.';
  end if;

  if v_outcome = 'cancel' then
    perform triaged.cancel_task(task_id_param);
  end if;

  -- Lock order: worker before task, as in a rescue.
  select task.attempt_count, worker.worker_id into v_attempt, v_worker_id
  from triaged.live_tasks as task
  join triaged.workers as worker using (worker_id)
  where
    task.task_id = task_id_param
    and task.status = 'started'
    and worker.kind = 'compat'
    and worker.ended_at is null
    and task.attempt_count = coalesce(attempt_count_param, task.attempt_count)
  for key share of worker;

  if not found then
    -- A waiting task is cancelled by now.
    if v_outcome = 'cancel' then
      return;
    end if;

    perform triaged.raise_not_possible(task_id_param, 'updated by this worker');
  end if;

  update triaged.workers set heartbeat_at = triaged.now() where worker_id = v_worker_id;

  if v_outcome <> 'renew' then
    perform triaged.settle_tasks(jsonb_build_array(jsonb_build_object(
      'task_id', task_id_param,
      'attempt', v_attempt,
      'outcome', case v_outcome when 'cancel' then 'cancelled' else v_outcome end,
      'result', result_param,
      'error', coalesce(error_param, case v_outcome when 'cancel' then 'Cancelled by user' end)
    )));

    -- Settled in between, by a call that said something else.
    if not found then
      perform triaged.raise_not_possible(task_id_param, 'updated by this worker');
    end if;
  end if;
end;
$$;
