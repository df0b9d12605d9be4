-- started -> queued, due after a delay; no failure. A pending cancel request wins:
-- started -> cancelled. Returns the attempts that snoozed; nothing was written about the
-- others.
create or replace function triaged.snooze_tasks(
  p_task_ids bigint[],
  p_attempts integer[],
  p_delays_ms bigint[],
  -- What history tells, by 'task_id/attempt'.
  p_details jsonb default null
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
as $$
begin
  perform triaged.note_event('snooze', 'worker', p_details);

  return query select * from triaged.put_back_tasks(p_task_ids, p_attempts, p_delays_ms);
end;
$$;
