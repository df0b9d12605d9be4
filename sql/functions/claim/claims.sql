-- What workers hold, by the rows of claims: no index of live_tasks tells it, since each claim would
-- write it.

-- Trigger: note which tasks a statement started, a claim or one by hand. Not a part of claim_tasks,
-- so that no start goes unnoted.
create or replace function triaged.note_claims()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- A trigger on another table could have tasks rescued that nobody holds.
  if tg_relid <> 'triaged.live_tasks'::regclass then
    raise exception 'note_claims() does not serve %', tg_relid::regclass using errcode = '42501';
  end if;

  -- Every task of a claim was started by it.
  if triaged.current_event() = 'claim' then
    insert into triaged.claims (worker_id, claimed_at, task_ids)
    select worker_id, triaged.now(), array_agg(task_id)
    from after
    group by worker_id;
  else
    insert into triaged.claims (worker_id, claimed_at, task_ids)
    select worker_id, triaged.now(), array_agg(task_id)
    from (
      select task_id, worker_id from after where status = 'started'
      -- Not a join, for which the planner may read all old rows for each new one.
      except
      select task_id, worker_id from before
    ) as given
    group by worker_id;
  end if;

  return null;
end;
$$;

-- The tasks that these workers hold, by their ids.
create or replace function triaged.held_task_ids(worker_ids bigint[])
returns bigint[]
language plpgsql
stable
set search_path to pg_catalog, pg_temp
-- One plan, that also holds while statistics say that the tables are empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
-- A disabled scan is costed so high that JIT would compile its plan, for 80 ms a call.
set jit to off
as $$
begin
  return array(
    -- A task that was claimed again soon is in two rows.
    select distinct held.task_id
    from triaged.claims as claim
    cross join lateral (
      select task.task_id
      from triaged.live_tasks as task
      where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
      -- Keeps the planner from a join that reads all tasks.
      offset 0
    ) as held
    where claim.worker_id = any (held_task_ids.worker_ids)
    order by held.task_id
  );
end;
$$;

-- How many tasks a worker holds, the ten that it has held longest, and since when.
create or replace function triaged.held_by(
  worker_id bigint,
  out count bigint,
  out task_ids bigint[],
  out oldest_started_at timestamptz
)
language plpgsql
stable
set search_path to pg_catalog, pg_temp
-- As in held_task_ids.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
as $$
#variable_conflict use_column
begin
  select
    count(*),
    (array_agg(held.task_id order by held.started_at, held.task_id))[1:10],
    min(held.started_at)
  into count, task_ids, oldest_started_at
  from (
    select distinct task.task_id, task.started_at
    from triaged.claims as claim
    cross join lateral (
      select task.task_id, task.started_at
      from triaged.live_tasks as task
      where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
      offset 0
    ) as task
    where claim.worker_id = held_by.worker_id
  ) as held;
end;
$$;

-- Delete the rows of claims of a worker of which it holds nothing any more, and take what it holds
-- for long out of the way of claims. Looks at rows after p_after, and those that run long; returns
-- up to which claim_id nothing is left to look at. Rows before that which committed late are found
-- by a call with 0. For a caller that has locked the row of the worker.
--
-- That nothing is held is found in the snapshot of the statement that deletes: whoever started a
-- task again since has written another row.
create or replace function triaged.tidy_claims(p_worker_id bigint, p_after bigint)
returns bigint
language plpgsql
-- As in held_task_ids.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set jit to off
as $$
declare
  -- The p95 of a claim beside 300,000 tasks that are held is 340 ms while they lie in its way.
  c_long constant interval := interval '2 seconds';
  -- Of one call, so that a heartbeat is not late.
  c_tasks_max constant integer := 5000;
  v_long_before timestamptz := triaged.now() - c_long;
  v_gone bigint[];
  v_task_ids bigint[];
  v_next bigint;
begin
  -- The usual answer for a worker that waits.
  if not exists (
    select from triaged.claims where worker_id = p_worker_id and claim_id > p_after
  ) and not exists (
    select from triaged.claims where worker_id = p_worker_id and runs_long
  ) then
    return p_after;
  end if;

  with gone as (
    delete from triaged.claims as claim
    where
      claim.worker_id = p_worker_id
      and claim.claim_id > p_after
      and not claim.runs_long
      and not exists (
        select from triaged.live_tasks as task
        where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
        offset 0
      )
    returning claim.claim_id
  )
  select array_agg(claim_id) into v_gone from gone;

  delete from triaged.claims as claim
  where
    claim.worker_id = p_worker_id
    and claim.runs_long
    and not exists (
      select from triaged.live_tasks as task
      where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
      offset 0
    );

  v_task_ids := array(
    select held.task_id
    from triaged.claims as claim
    cross join lateral (
      select task.task_id
      from triaged.live_tasks as task
      where
        task.task_id = any (claim.task_ids)
        and task.worker_id = claim.worker_id
        and not task.runs_long
      offset 0
      -- Never waits, as a heartbeat must not; the next one finds the others.
      for update skip locked
    ) as held
    where
      claim.worker_id = p_worker_id
      and claim.claim_id > p_after
      and not claim.runs_long
      and claim.claimed_at < v_long_before
    limit c_tasks_max
  );

  if cardinality(v_task_ids) > 0 then
    perform triaged.note_event('heartbeat', 'worker');

    update triaged.live_tasks
    set runs_long = true
    where task_id = any (v_task_ids);
  end if;

  update triaged.claims as claim
  set
    runs_long = true,
    task_ids = array(
      select task.task_id
      from triaged.live_tasks as task
      where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
    )
  where
    claim.worker_id = p_worker_id
    and claim.claim_id > p_after
    and not claim.runs_long
    and claim.claimed_at < v_long_before
    and not exists (
      select from triaged.live_tasks as task
      where
        task.task_id = any (claim.task_ids)
        and task.worker_id = claim.worker_id
        and not task.runs_long
      offset 0
    );

  select min(claim.claim_id) - 1 into v_next
  from triaged.claims as claim
  where
    claim.worker_id = p_worker_id and claim.claim_id > p_after and not claim.runs_long;

  return coalesce(v_next, (select max(claim_id) from unnest(v_gone) as claim_id), p_after);
end;
$$;
