-- No transition: say how far an attempt is. False where the caller no longer holds the
-- task; nothing was written then.
create or replace function triaged.report_progress(
  task_id bigint,
  attempt integer,
  progress_pct integer,
  current_step text default null
)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if report_progress.progress_pct not between 0 and 100 then
    raise exception 'expected progress_pct to be 0 to 100, got %', report_progress.progress_pct
      using errcode = '22023';
  end if;

  -- Else what is recorded would be what the caller has put into triaged.event.
  perform triaged.note_event('progress', 'worker');

  update triaged.live_tasks
  set
    progress_pct = report_progress.progress_pct,
    current_step = left(report_progress.current_step, 200)
  where
    task_id = report_progress.task_id
    and attempt_count = report_progress.attempt
    and status = 'started';

  return found;
end;
$$;
