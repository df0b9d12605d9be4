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
