-- Why a task does not run. why answers for every task; the others answer for one status each.

-- Why a task does not run, or how it ended: a row for each reason, the most telling first, with a
-- hint. One row for an unknown task. For a finished task it quotes the message in its result, if
-- there is one. Bounded work: it counts at most a thousand tasks ahead.
create or replace function triaged.why(task_id bigint)
returns table (reason text, hint text)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Times and spans are part of its texts.
set datestyle to 'ISO, MDY'
set intervalstyle to 'postgres'
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_task triaged.live_tasks;
begin
  -- The columns that the view leaves out say nothing here.
  select task.*, null, null into v_task from triaged.tasks as task where task.task_id = why.task_id;

  if not found then
    return query select * from triaged.why_unknown(why.task_id);
  elsif v_task.status = 'queued' then
    return query select * from triaged.why_queued(v_task);
  elsif v_task.status = 'started' then
    return query select * from triaged.why_started(v_task);
  elsif v_task.status = 'needs_decision' then
    return query select
      'a person must decide: ' || v_task.decision_prompt,
      format('decide_task(%s, ''{"answer": "yes"}''), or triaged decide %s', v_task.task_id,
        v_task.task_id);
  else
    return query select
      format('it is %s since %s%s', v_task.status, v_task.ended_at,
        ': ' || coalesce(v_task.error, left(v_task.result ->> 'message', 500))),
      case
        when v_task.status in ('failed', 'cancelled')
          then format('retry_task(%s) queues it again', v_task.task_id)
      end;
  end if;
end;
$$;

-- The answer of why for a task that waits to be claimed.
create or replace function triaged.why_queued(p_task triaged.live_tasks)
returns table (reason text, hint text)
language plpgsql
stable
-- Of a level of priority that nothing waits on, a scan would read all tasks to know that.
set enable_seqscan to off
set jit to off
as $$
declare
  v_now timestamptz := triaged.now();
  v_alive bigint;
  v_handling bigint;
  v_serving bigint;
  v_slots bigint;
  v_held bigint;
  v_ahead bigint;
begin
  if p_task.run_at > v_now then
    return query select
      format('it is due at %s, in %s', p_task.run_at, p_task.run_at - v_now),
      case
        when p_task.failure_count > 0 then format('%s of %s failures; the last: %s',
          p_task.failure_count, p_task.max_attempts, p_task.error)
      end;

    return query select * from triaged.why_setback(p_task);
  end if;

  if exists (
    select from triaged.queues where queue = p_task.queue and paused_at is not null
  ) then
    return query select
      format('queue %s is paused', p_task.queue),
      format('resume_queue(%L), or triaged resume %s', p_task.queue, p_task.queue);
  end if;

  if exists (
    select from triaged.task_types where task_type = p_task.task_type and paused_at is not null
  ) then
    return query select
      format('task type %s is paused', p_task.task_type),
      format('resume_task_type(%L), or triaged resume --type %s', p_task.task_type,
        p_task.task_type);
  end if;

  select
    count(*),
    count(*) filter (where p_task.task_type = any (task_types)),
    count(*) filter (where p_task.task_type = any (task_types) and p_task.queue = any (queues)),
    sum(concurrency) filter (
      where p_task.task_type = any (task_types) and p_task.queue = any (queues)
    )
  into v_alive, v_handling, v_serving, v_slots
  from triaged.workers
  where ended_at is null and heartbeat_at >= v_now - lease;

  if v_alive = 0 then
    return query select 'no worker is alive', 'start one: triaged work';
  elsif v_handling = 0 then
    return query select
      format('no worker handles task type %s', p_task.task_type),
      'add tasks/' || p_task.task_type || '.ts to the workers'' folder, or check the spelling';
  elsif v_serving = 0 then
    return query select
      format('no worker that handles %s serves queue %s', p_task.task_type, p_task.queue),
      'start one: triaged work --queue ' || p_task.queue;
  elsif p_task.run_at <= v_now then
    -- By the workers, of whom there are few: not by the tasks.
    select coalesce(sum(worker.held), 0) into v_held
    from triaged.worker_activity as worker
    where worker.ended_at is null and p_task.task_type = any (worker.task_types);

    -- Level by level: what is not due of one is not read.
    select count(*) into v_ahead
    from (
      select
      from generate_series(0, p_task.priority) as level
      cross join lateral (
        select from triaged.live_tasks as ahead
        where
          ahead.in_lane
          and ahead.status = 'queued'
          and ahead.queue = p_task.queue
          and ahead.task_type = p_task.task_type
          and ahead.priority = level
          and ahead.run_at <= v_now
          and (ahead.run_at, ahead.task_id) < (
            case when level = p_task.priority then p_task.run_at else 'infinity' end,
            case when level = p_task.priority then p_task.task_id else 9223372036854775807 end
          )
        limit 1000
      ) as ahead
      limit 1000
    ) as ahead;

    return query select
      format('it is due since %s; %s of its type %s ahead, and %s %s %s of %s',
        p_task.run_at,
        case v_ahead
          when 1 then '1 task'
          when 1000 then '1000 or more tasks'
          else v_ahead || ' tasks'
        end,
        case v_ahead when 1 then 'is' else 'are' end,
        v_serving,
        case v_serving when 1 then 'worker holds' else 'workers hold' end,
        v_held,
        v_slots),
      case when v_held >= v_slots then 'all are busy: add workers or concurrency' end;
  end if;
end;
$$;

-- The answer of why for a task that waits for a time that the clock of the server has already
-- shown; no row where no clock has gone back.
create or replace function triaged.why_setback(p_task triaged.live_tasks)
returns table (reason text, hint text)
language plpgsql
stable
as $$
declare
  v_now timestamptz := triaged.now();
  v_until timestamptz := p_task.created_at;
  v_hint text := format('a worker brings forward what was meant for now; a run_at that was given'
    ' stays: update triaged.tasks set run_at = triaged.now() where task_id = %s', p_task.task_id);
begin
  if v_until > v_now + triaged.clock_margin() then
    return query select
      format('it was written at %s, by a clock that was %s ahead of now: the server''s clock has'
        ' gone back', v_until, v_until - v_now),
      v_hint;
    return;
  end if;

  select known.ahead_until into v_until
  from triaged.clock_setbacks as known
  where known.ahead_until > v_now + triaged.clock_margin();

  if found then
    return query select
      format('the server''s clock has gone back: it was at %s, which is %s ahead of now',
        v_until, v_until - v_now),
      v_hint;
  end if;
end;
$$;

-- The answer of why for a task that a worker holds.
create or replace function triaged.why_started(p_task triaged.live_tasks)
returns table (reason text, hint text)
language plpgsql
stable
as $$
declare
  v_now timestamptz := triaged.now();
  v_worker triaged.workers;
begin
  select * into v_worker from triaged.workers where worker_id = p_task.worker_id;

  return query select
    format('attempt %s runs since %s on worker %s (%s)%s', p_task.attempt_count,
      p_task.started_at, p_task.worker_id, coalesce(v_worker.name, 'unknown'),
      ', ' || p_task.progress_pct || ' %' || coalesce(': ' || p_task.current_step, '')),
    null::text;

  if p_task.cancel_requested_at is not null then
    return query select
      format('its cancel was requested at %s', p_task.cancel_requested_at),
      'the handler ends when it looks at its signal';
  end if;

  if v_worker.ended_at is not null or v_worker.heartbeat_at < v_now - v_worker.lease then
    return query select
      format('its worker was last seen at %s', v_worker.heartbeat_at),
      'any live worker rescues it; is one running?';
  elsif p_task.started_at < v_now - interval '1 hour' then
    return query select
      'it runs for more than an hour',
      format('look at the worker''s log, or cancel_task(%s)', p_task.task_id);
  end if;
end;
$$;

-- The answer of why for a task that is in no table.
create or replace function triaged.why_unknown(p_task_id bigint)
returns table (reason text, hint text)
language plpgsql
stable
as $$
declare
  v_last triaged.task_history;
begin
  select * into v_last
  from triaged.task_history as history
  where history.task_id = p_task_id
  order by history.history_id desc
  limit 1;

  if found then
    return query select
      format('it was %s at %s, and its retention has passed', v_last.status, v_last.at),
      'its history is still there';
  else
    return query select
      format('there is no task %s', p_task_id),
      'was the transaction that enqueued it committed?';
  end if;
end;
$$;
