-- queued -> started. Claim up to max_tasks due tasks of one lane for a worker, as claim_tasks
-- does of many, with the same bound. None where the queue or the task type is paused, and none
-- of a lane that the worker did not register: the bell names lanes of all workers.
--
-- For one that was rung for: without arrays to read and a loop over them a claim after a rest
-- takes 1.72 ms instead of 1.84.
create or replace function triaged.claim_lane(
  worker_id bigint,
  max_tasks integer,
  queue text,
  task_type text,
  priority integer,
  after_run_at timestamptz default null,
  after_task_id bigint default null
)
returns table (
  task_id bigint,
  payload jsonb,
  attempt_count integer,
  failure_count integer,
  max_attempts integer,
  run_at timestamptz,
  error text,
  decision jsonb,
  parent_task_id bigint,
  root_task_id bigint,
  metadata jsonb
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- One plan, as in claim_tasks.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
set enable_sort to off
set enable_bitmapscan to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
begin
  -- Locked until commit, as in claim_tasks.
  perform
  from triaged.workers as mine
  where
    mine.worker_id = claim_lane.worker_id
    and mine.ended_at is null
    and claim_lane.queue = any (mine.queues)
    and claim_lane.task_type = any (mine.task_types)
    and not exists (
      select from triaged.queues as paused
      where paused.queue = claim_lane.queue and paused.paused_at is not null
    )
    and not exists (
      select from triaged.task_types as paused
      where paused.task_type = claim_lane.task_type and paused.paused_at is not null
    )
  for key share of mine;

  if not found then
    return;
  end if;

  perform triaged.note_event('claim', 'worker');

  return query
  update triaged.live_tasks as task
  set
    status = 'started',
    attempt_count = task.attempt_count + 1,
    worker_id = claim_lane.worker_id,
    started_at = v_now,
    progress_pct = null,
    current_step = null
  where task.task_id = any (array(
    select ready.task_id
    from triaged.live_tasks as ready
    where
      ready.status = 'queued'
      and ready.queue = claim_lane.queue
      and ready.task_type = claim_lane.task_type
      and ready.priority = claim_lane.priority
      and ready.run_at <= v_now
      and (ready.run_at, ready.task_id)
        > (coalesce(claim_lane.after_run_at, '-infinity'), coalesce(claim_lane.after_task_id, 0))
    order by ready.run_at, ready.task_id
    limit claim_lane.max_tasks
    for update skip locked
  ))
  returning
    task.task_id, task.payload, task.attempt_count, task.failure_count, task.max_attempts,
    task.run_at, task.error, task.decision, task.parent_task_id, task.root_task_id,
    task.metadata;
end;
$$;
