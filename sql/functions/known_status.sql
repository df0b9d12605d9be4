-- One of our six statuses for what we, the older systems and A2A call it; queued for null.
-- Raises 22023 for anything else.
create or replace function triaged.known_status(status text)
returns text
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
declare
  v_status text := case
    regexp_replace(replace(lower(coalesce(known_status.status, 'queued')), '-', '_'),
      '^task_state_', '')
    when 'queued' then 'queued'
    when 'pending' then 'queued'
    when 'submitted' then 'queued'
    when 'started' then 'started'
    when 'running' then 'started'
    when 'working' then 'started'
    when 'in_progress' then 'started'
    when 'needs_decision' then 'needs_decision'
    when 'input_required' then 'needs_decision'
    when 'finished' then 'finished'
    when 'completed' then 'finished'
    when 'failed' then 'failed'
    when 'cancelled' then 'cancelled'
    when 'canceled' then 'cancelled'
  end;
begin
  if v_status is null then
    raise exception 'unknown status %', to_json(left(known_status.status, 80))
      using
        errcode = '22023',
        hint = 'Known are queued, started, needs_decision, finished, failed, cancelled, '
          'and for these pending, submitted, running, working, in_progress, input_required, '
          'completed, canceled.';
  end if;

  return v_status;
end;
$$;
