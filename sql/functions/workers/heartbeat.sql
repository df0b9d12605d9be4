-- What a worker process does all the time: show that it lives, and ask for cancel requests.

-- Renew the lease of a worker. held is false once the worker was declared dead: it then drops its
-- attempts and registers anew. cancel_requests are the attempts it holds whose cancel was
-- requested: [{"task_id": "1", "attempt": 2}].
create or replace function triaged.heartbeat_worker(worker_id bigint)
returns table (held boolean, cancel_requests jsonb)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_before timestamptz;
begin
  select mine.heartbeat_at into v_before
  from triaged.workers as mine
  where mine.worker_id = heartbeat_worker.worker_id and mine.ended_at is null;

  perform triaged.note_setback(v_before);

  update triaged.workers
  set heartbeat_at = triaged.now(), lock_lost_at = null
  where worker_id = heartbeat_worker.worker_id and ended_at is null;

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
    task.worker_id = cancel_requests.worker_id
    and task.status = 'started'
    and task.cancel_requested_at is not null;
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
