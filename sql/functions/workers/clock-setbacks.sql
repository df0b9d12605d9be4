-- Bring tasks forward after the clock of the server has gone back.

-- Remember that the clock of the server has gone back. p_written is a time that it had before.
create or replace function triaged.note_setback(p_written timestamptz)
returns void
language plpgsql
as $$
begin
  if p_written > triaged.now() + triaged.clock_margin() then
    insert into triaged.clock_setbacks as known (ahead_until, seen_at)
    values (p_written, triaged.now())
    on conflict on constraint clock_setbacks_pkey
    do update set
      ahead_until = excluded.ahead_until, seen_at = excluded.seen_at, mended_at = null
    -- The latest time of a setback counts; a setback is over once that time has come.
    where
      known.ahead_until < excluded.ahead_until
      or known.ahead_until <= triaged.now() + triaged.clock_margin();
  end if;
end;
$$;

-- Bring forward up to max_tasks tasks that wait for a clock that has gone back, and effects
-- likewise: when they were written they were due, or due after a delay that ends long before that
-- time comes again. Returns how many tasks. Every worker calls this every few seconds. While no
-- clock has gone back it costs two short queries; afterwards one worker does the work every five
-- seconds.
--
-- A task that a producer enqueued for now is due now. A task that failed, snoozed or was released
-- waits for its delay from now on. A run_at that a producer gave stays as it is, because nobody
-- knows by which clock it was meant. So does a delay longer than the setback, for which the task
-- waits twice at most.
create or replace function triaged.mend_setback(max_tasks integer default 1000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- One plan, that also holds while statistics say that the tables are empty.
set plan_cache_mode to force_generic_plan
set jit to off
as $$
declare
  v_now timestamptz := triaged.now();
  v_ahead timestamptz := v_now + triaged.clock_margin();
  v_setback triaged.clock_setbacks;
  v_enqueued integer;
  v_put_back integer;
begin
  -- Where all workers were down, no heartbeat shows the setback, but a task that was enqueued does.
  perform triaged.note_setback(task.created_at)
  from triaged.live_tasks as task
  where task.created_at > v_ahead
  order by task.created_at desc
  limit 1;

  -- One worker at a time; the others pass.
  select * into v_setback
  from triaged.clock_setbacks as known
  where
    known.ahead_until > v_now
    and (
      known.mended_at is null
      or known.mended_at not between v_now - interval '5 seconds' and v_now
    )
  for update skip locked;

  if not found then
    return 0;
  end if;

  update triaged.live_tasks as task
  set run_at = v_now
  where task.task_id = any (array(
    select waiting.task_id
    from triaged.live_tasks as waiting
    where
      waiting.created_at > v_ahead
      and waiting.status = 'queued'
      and waiting.run_at = waiting.created_at
    limit mend_setback.max_tasks
    for update skip locked
  ));

  get diagnostics v_enqueued = row_count;
  v_put_back := triaged.mend_put_back(v_setback, mend_setback.max_tasks);

  update triaged.effects as effect
  set due_at = v_now
  where
    effect.status = 'pending'
    and effect.created_at > v_ahead
    and effect.due_at > v_now
    and effect.due_at <= effect.created_at;

  -- Where more is left to do, the next call goes on.
  update triaged.clock_setbacks
  set mended_at = v_now
  where greatest(v_enqueued, v_put_back) < mend_setback.max_tasks;

  if v_enqueued + v_put_back > 0 then
    perform triaged.wake_workers();
  end if;

  return v_enqueued + v_put_back;
end;
$$;

-- Let tasks that were put back by a clock that has gone back since wait for their delay from now
-- on. Returns how many. Their last event in history shows when they were put back. The new run_at
-- no longer fits that event, so nothing is brought forward twice.
create or replace function triaged.mend_put_back(
  p_setback triaged.clock_setbacks,
  p_limit integer
)
returns integer
language plpgsql
set jit to off
as $$
declare
  v_now timestamptz := triaged.now();
  v_count integer;
begin
  update triaged.live_tasks as task
  set run_at = v_now + (task.run_at - mended.at)
  from (
    select waiting.task_id, last.at
    from triaged.live_tasks as waiting
    cross join lateral (
      select history.at, history.event
      from triaged.task_history as history
      where
        history.task_id = waiting.task_id
        -- Events since the setback was seen, or from before it.
        and history.at > p_setback.seen_at - interval '1 hour'
        and history.at < p_setback.ahead_until + interval '1 hour'
      order by history.history_id desc
      limit 1
    ) as last
    where
      waiting.in_lane
      and waiting.status = 'queued'
      and waiting.attempt_count > 0
      and waiting.run_at > v_now
      and last.at > v_now + triaged.clock_margin()
      and last.event not in ('enqueue', 'replace', 'manual')
      and waiting.run_at >= last.at
      and waiting.run_at - last.at < last.at - v_now
    limit p_limit
  ) as mended
  where task.task_id = mended.task_id and task.status = 'queued' and task.run_at > v_now;

  get diagnostics v_count = row_count;
  return v_count;
end;
$$;
