-- The answer of why for a task that waits to be claimed.
create or replace function triaged.why_queued(p_task triaged.live_tasks)
returns table (reason text, hint text)
language plpgsql
stable
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
    select count(*) into v_held
    from triaged.live_tasks as held
    join triaged.workers as worker using (worker_id)
    where held.status = 'started' and p_task.task_type = any (worker.task_types);

    select count(*) into v_ahead
    from (
      select from triaged.live_tasks as ahead
      where
        ahead.status = 'queued'
        and ahead.queue = p_task.queue
        and ahead.task_type = p_task.task_type
        and ahead.priority <= p_task.priority
        and ahead.run_at <= v_now
        and (ahead.priority, ahead.run_at, ahead.task_id)
          < (p_task.priority, p_task.run_at, p_task.task_id)
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
