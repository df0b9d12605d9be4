-- Say which event the next statement on the tables of the tasks makes, and whether a worker
-- makes it; the trigger that records that statement forgets it, even where it found no
-- row. So each such statement is announced anew, and one that nobody announced is
-- 'manual'. p_details are what history tells beside the error, by 'task_id/attempt'.
--
-- A setting in the header of each function would last exactly as long as the function. But
-- only a superuser may create such a function, and managed servers have none to give.
create or replace function triaged.note_event(
  p_event text,
  p_by text default '',
  p_details jsonb default null
)
returns void
language plpgsql
as $$
declare
  -- Assigned, not performed: an expression is spared the start of a query.
  v_set text;
begin
  v_set := set_config('triaged.event', p_event, true);
  v_set := set_config('triaged.event_by', p_by, true);
  v_set := set_config('triaged.event_details', coalesce(p_details::text, ''), true);
end;
$$;
