-- What a worker process does all the time: show that it lives, and ask for cancel requests.

-- Renew the lease of a worker, and tidy its claims. held is false once the worker was declared
-- dead: it then drops its attempts and registers anew. cancel_requests are the attempts it holds
-- whose cancel was requested: [{"task_id": "1", "attempt": 2}].
create or replace function triaged.heartbeat_worker(worker_id bigint)
returns table (held boolean, cancel_requests jsonb)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_before timestamptz;
  v_tidied bigint;
begin
  -- Locked as the update below would: a rescue waits until the rows of claims are tidied, or tidied
  -- they are not.
  select mine.heartbeat_at, mine.tidied_claim_id into v_before, v_tidied
  from triaged.workers as mine
  where mine.worker_id = heartbeat_worker.worker_id and mine.ended_at is null
  for no key update;

  if found then
    perform triaged.note_setback(v_before);

    -- With each new minute all rows are looked at: one may have committed late.
    v_tidied := triaged.tidy_claims(heartbeat_worker.worker_id, case
      when date_trunc('minute', v_before) = date_trunc('minute', v_now) then v_tidied else 0
    end);

    update triaged.workers
    set heartbeat_at = v_now, lock_lost_at = null, tidied_claim_id = v_tidied
    where worker_id = heartbeat_worker.worker_id;
  end if;

  return query select found, triaged.cancel_requests(heartbeat_worker.worker_id);
end;
$$;

-- The attempts that a worker holds and whose cancel was requested.
create or replace function triaged.cancel_requests(worker_id bigint)
returns jsonb
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('task_id', task.task_id::text, 'attempt', task.attempt_count)
    ),
    '[]'
  )
  from triaged.live_tasks as task
  where
    -- By live_tasks_cancel_idx: of all workers, since a claim would write an index by worker.
    task.cancel_requested_at is not null
    and task.status = 'started'
    and task.worker_id = cancel_requests.worker_id;
$$;

-- Show that the process of a worker lives, for as long as the calling session does: take the lock
-- of the worker, and write down the server process of this session. Call it on a connection of the
-- worker's own, not through a pooler, and again after that connection was lost. Returns false where
-- another session holds the lock, or the worker was declared dead: call again a moment later. Until
-- then this session alone shows that the worker lives.
create or replace function triaged.lock_worker(worker_id bigint)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_locked boolean := pg_try_advisory_lock(triaged.lock_key('worker', lock_worker.worker_id));
begin
  update triaged.workers as mine
  set has_session_lock = v_locked, session_pid = pg_backend_pid(), lock_lost_at = null
  where
    mine.worker_id = lock_worker.worker_id
    and mine.ended_at is null
    -- Writes nothing at each try for a lock that another session keeps.
    and (v_locked or mine.session_pid is distinct from pg_backend_pid()
      or mine.lock_lost_at is not null);

  return found and v_locked;
end;
$$;
