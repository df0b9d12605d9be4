-- Gone: a claim of one lane, which claim_tasks makes as well.
drop function if exists triaged.claim_lane(
  bigint, integer, text, text, integer, timestamptz, bigint
);

-- queued -> started. Claim up to max_tasks due tasks for a worker, lane by lane in the order given;
-- in no particular order within the result. Lanes that are paused, or that the worker did not
-- register, are passed over. A worker that was declared dead claims nothing. The trigger
-- live_tasks_note_claims notes what was taken, in claims.
--
-- A lane is a queue, a task type and a priority, and a lower bound: what lies at or
-- before (after_run_at, after_task_id) is not looked at. The bound is a hint. It spares
-- the dead entries that vacuum cannot remove under a long transaction; a caller that
-- passes '-infinity' and 0 now and then finds tasks before it that committed late. Without lanes
-- all of the worker's are visited, the highest priority first, with no bound.
--
-- A lane that a notification named comes as arrays of one. A function of its own for that was no
-- quicker: from the enqueue to the start of an idle worker's handler 16.8 ms by it and 16.6 by
-- this one (p50 of 600 each, turn by turn, on a busy machine; with a hundred task types 17.6 and
-- 17.7), and two functions had two sets of guards, which differed.
create or replace function triaged.claim_tasks(
  worker_id bigint,
  max_tasks integer default 1,
  queues text[] default null,
  task_types text[] default null,
  priorities smallint[] default null,
  after_run_ats timestamptz[] default null,
  after_task_ids bigint[] default null
)
returns table (
  task_id bigint,
  task_type text,
  queue text,
  payload jsonb,
  priority smallint,
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
-- One plan, that also holds while statistics say that the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
-- A disabled scan is costed so high that JIT would compile its plan, for 80 ms a call.
set jit to off
set enable_sort to off
-- By the thousand, an index scan is 0.5 us a task ahead of a bitmap (of 16).
set enable_bitmapscan to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_queues text[];
  v_task_types text[];
  v_paused_queues text[];
  v_paused_task_types text[];
begin
  -- Locked until commit: else rescue_tasks could declare the worker dead between this
  -- look and the claim, and nobody would ever take these tasks back. A key share lock
  -- is enough against the rescue, and leaves the heartbeat free.
  select
    mine.queues,
    mine.task_types,
    array(
      select paused.queue from triaged.queues as paused where paused.paused_at is not null
    ),
    array(
      select paused.task_type from triaged.task_types as paused where paused.paused_at is not null
    )
  into v_queues, v_task_types, v_paused_queues, v_paused_task_types
  from triaged.workers as mine
  where mine.worker_id = claim_tasks.worker_id and mine.ended_at is null
  for key share;

  if not found then
    return;
  end if;

  if claim_tasks.task_types is null then
    select lanes.queues, lanes.task_types, lanes.priorities
    into queues, task_types, priorities
    from triaged.lanes_of(v_queues, v_task_types) as lanes;
  end if;

  perform triaged.note_event('claim', 'worker');

  return query
  update triaged.live_tasks as task
  set
    status = 'started',
    attempt_count = task.attempt_count + 1,
    worker_id = claim_tasks.worker_id,
    started_at = v_now,
    progress_pct = null,
    current_step = null,
    runs_long = false
  -- An array, not a join: it is evaluated once, and the plan stays an index scan
  -- when the limit is unknown.
  where task.task_id = any (array(
    select due.task_id
    from unnest(
      claim_tasks.queues, claim_tasks.task_types, claim_tasks.priorities,
      claim_tasks.after_run_ats, claim_tasks.after_task_ids
    ) as lane (queue, task_type, priority, after_run_at, after_task_id)
    -- The nested loop visits the lanes in their order, and stops at the limit with
    -- no row locked too many. Sorting would lock max_tasks rows of every lane.
    cross join lateral (
      select ready.task_id
      from triaged.live_tasks as ready
      where
        -- By live_tasks_claim_idx, which also has tasks that were started a moment ago.
        ready.in_lane
        and ready.status = 'queued'
        and ready.queue = lane.queue
        and ready.task_type = lane.task_type
        and ready.priority = lane.priority
        and ready.run_at <= v_now
        and (ready.run_at, ready.task_id)
          > (coalesce(lane.after_run_at, '-infinity'), coalesce(lane.after_task_id, 0))
      order by ready.run_at, ready.task_id
      limit claim_tasks.max_tasks
      for update skip locked
    ) as due
    where
      lane.queue <> all (v_paused_queues)
      and lane.task_type <> all (v_paused_task_types)
      -- By a hash: 500 types have 2,000 lanes, and to search an array for each took 25 ms. "Is
      -- true" keeps the planner from a join, which might change the order of the lanes.
      and (lane.queue in (select unnest(v_queues))) is true
      and (lane.task_type in (select unnest(v_task_types))) is true
    limit claim_tasks.max_tasks
  ))
  returning
    task.task_id, task.task_type, task.queue, task.payload, task.priority,
    task.attempt_count,
    task.failure_count, task.max_attempts, task.run_at, task.error, task.decision,
    task.parent_task_id, task.root_task_id, task.metadata;
end;
$$;

-- Every lane of a worker, as arrays for claim_tasks: the highest priority first.
create or replace function triaged.lanes_of(p_queues text[], p_task_types text[])
returns table (queues text[], task_types text[], priorities smallint[])
language sql
immutable
as $$
  select
    array_agg(queue order by priority),
    array_agg(task_type order by priority),
    array_agg(priority::smallint order by priority)
  from unnest(p_queues) as queue
  cross join unnest(p_task_types) as task_type
  cross join generate_series(0, 3) as priority;
$$;
