-- started -> queued, for every task of the workers given, which were found dead in this
-- transaction. A task whose worker died p_max_rescues times is taken for the cause: started ->
-- failed. A pending cancel request wins over both: started -> cancelled.
create or replace function triaged.rescue_tasks_of(p_dead bigint[], p_max_rescues integer)
returns table (task_id bigint, status text)
language plpgsql
-- One plan, that also holds while statistics say that the table is empty.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_nestloop to off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_held bigint[];
begin
  if cardinality(p_dead) = 0 then
    return;
  end if;

  -- Lock order: workers before tasks, and tasks by task_id, as settling does.
  v_held := array(
    select held.task_id
    from triaged.live_tasks as held
    where held.worker_id = any (p_dead)
    -- An expression, so that the order is made by sorting what the dead held: the primary
    -- key has it ready, and would be read from end to end.
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
        -- Not a join: that would tempt the planner to read all that any worker holds.
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

  perform triaged.ring_doorbell();
end;
$$;
