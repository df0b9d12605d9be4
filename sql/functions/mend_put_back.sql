-- Have tasks that were put back in line by a clock that has gone back since wait for their delay
-- from now on. Returns how many. Their events tell when they were put back; the time that is
-- brought forward is no longer one of that event, so nothing is brought forward twice.
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
        -- Of all that may have come since: of the time after the setback, or before it.
        and history.at > p_setback.seen_at - interval '1 hour'
        and history.at < p_setback.ahead_until + interval '1 hour'
      order by history.history_id desc
      limit 1
    ) as last
    where
      waiting.status = 'queued'
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
