-- What a worker says of tasks that it holds, beside how their attempts ended.

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

-- started -> queued, for what a worker holds without knowing: tasks whose claim committed and
-- whose answer was lost with the connection. The worker lives, so nobody would rescue them. It
-- passes the attempts that it knows, and keeps those; a pending cancel request wins, as in every
-- release. Returns the attempts that were released.
--
-- Only for a worker that makes no claim meanwhile whose answer may yet come: it would know of
-- those tasks a moment later, and has lost them here.
create or replace function triaged.release_unknown_tasks(
  worker_id bigint,
  known_task_ids bigint[],
  known_attempts integer[]
)
returns table (task_id bigint, attempt integer, status text)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_task_ids bigint[];
  v_attempts integer[];
begin
  -- Lock order: worker before tasks. Waits for a claim that the server still makes for a
  -- connection that is gone: it share-locks the row.
  perform from triaged.workers where worker_id = release_unknown_tasks.worker_id for update;

  select array_agg(task.task_id), array_agg(task.attempt_count) into v_task_ids, v_attempts
  from triaged.live_tasks as task
  where task.worker_id = release_unknown_tasks.worker_id;

  -- Apart from the look above: joined to that, it tempts the planner to read the whole
  -- primary key, which has the order for a merge.
  select array_agg(held.task_id), array_agg(held.attempt) into v_task_ids, v_attempts
  from (
    select * from unnest(v_task_ids, v_attempts)
    except
    select * from unnest(known_task_ids, known_attempts)
  ) as held (task_id, attempt);

  if v_task_ids is not null then
    return query select * from triaged.release_tasks(v_task_ids, v_attempts);
  end if;
end;
$$;
