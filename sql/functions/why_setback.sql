-- The answer of why for a task that waits for a time that the server's clock has had already; no
-- row where no clock has gone back.
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
