-- Take tasks back from dead workers.

-- started -> queued, for every task of up to max_workers workers that are found dead. A
-- task whose worker died max_rescues times is taken for the cause: started -> failed. A
-- pending cancel request wins over both: started -> cancelled.
create or replace function triaged.rescue_tasks(
  max_workers integer default 10,
  max_rescues integer default 3
)
returns table (task_id bigint, status text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_dead bigint[] := array(
    select dead.worker_id from triaged.declare_dead_workers(rescue_tasks.max_workers) as dead
  );
begin
  return query
  select rescued.task_id, rescued.status
  from triaged.rescue_tasks_of(v_dead, rescue_tasks.max_rescues) as rescued;
end;
$$;

-- started -> queued, for the tasks of the workers of one process, right after its supervisor saw
-- that process exit. Works like rescue_tasks, without the second look. Returns the workers of the
-- process that had not ended before, and how many tasks were taken back.
--
-- is_dead is false, and nothing is done, where a session of the worker is still there or a claim is
-- under way: the server has not noticed the exit yet, or this is another process with that pid on a
-- host of the same name. Call again a moment later. For a worker without a session of its own, as
-- behind a transaction pooler, the word of the caller counts.
create or replace function triaged.rescue_process(
  host text,
  pid integer,
  max_rescues integer default 3
)
returns table (worker_id bigint, is_dead boolean, tasks integer, failed integer)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_worker triaged.workers;
  v_is_there boolean;
  v_statuses text[];
begin
  for v_worker in
    select *
    from triaged.workers as alive
    where
      alive.ended_at is null
      and alive.host = rescue_process.host
      and alive.pid = rescue_process.pid
    order by alive.worker_id
  loop
    worker_id := v_worker.worker_id;
    is_dead := false;
    tasks := 0;
    failed := 0;

    -- Null where it has no session: then the caller's word counts.
    v_is_there := triaged.has_session(v_worker, triaged.server_pids());

    if v_is_there is not true then
      v_worker := triaged.declare_dead(v_worker, 'process exited');
      is_dead := v_worker.worker_id is not null;
    end if;

    if is_dead then
      v_statuses := array(
        select rescued.status
        from triaged.rescue_tasks_of(array[v_worker.worker_id], rescue_process.max_rescues)
          as rescued
      );
      tasks := cardinality(v_statuses);
      failed := cardinality(array_positions(v_statuses, 'failed'));
    end if;

    return next;
  end loop;
end;
$$;

-- started -> queued, for every task of the given workers, which this transaction has declared dead.
-- A task whose worker died p_max_rescues times is taken for the cause: started -> failed. A pending
-- cancel request wins over both: started -> cancelled.
create or replace function triaged.rescue_tasks_of(p_dead bigint[], p_max_rescues integer)
returns table (task_id bigint, status text)
language plpgsql
-- One plan, that also holds while statistics say that the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_nestloop to off
set jit to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_held bigint[];
begin
  if cardinality(p_dead) = 0 then
    return;
  end if;

  v_held := triaged.held_task_ids(p_dead);

  -- A late settle may have come between, so that the worker is asked for again.
  v_held := array(
    select held.task_id
    from triaged.live_tasks as held
    where held.task_id = any (v_held) and held.worker_id = any (p_dead)
    -- Lock order: workers before tasks, and tasks by task_id, as settling does. An expression, so
    -- that the planner sorts the tasks of the dead workers: the primary key has the order ready,
    -- and would be read from end to end.
    order by held.task_id + 0
    for update
  );

  perform triaged.note_event('rescue', 'worker');

  return query
  update triaged.live_tasks as task
  set
    status = verdict.status,
    rescue_count = task.rescue_count + 1,
    error = right(
      concat_ws('; ', task.error, format('worker %s (%s) died', task.worker_id, (
        -- Not a join, for which the planner may read the tasks of every worker.
        select worker.name from triaged.workers as worker where worker.worker_id = task.worker_id
      ))),
      8192
    ),
    worker_id = case when verdict.status = 'queued' then null else task.worker_id end,
    started_at = case when verdict.status = 'queued' then null else task.started_at end,
    run_at = case when verdict.status = 'queued' then v_now else task.run_at end,
    ended_at = case when verdict.status = 'queued' then null else v_now end
  from (
    select
      held.task_id,
      case
        when held.cancel_requested_at is not null then 'cancelled'
        when held.rescue_count + 1 >= p_max_rescues then 'failed'
        else 'queued'
      end as status
    from triaged.live_tasks as held
    where held.task_id = any (v_held)
  ) as verdict
  where task.task_id = any (v_held) and task.task_id = verdict.task_id
  returning task.task_id, task.status;

  -- No claim of these workers is under way, and none will be.
  delete from triaged.claims where worker_id = any (p_dead);

  perform triaged.wake_workers();
end;
$$;
