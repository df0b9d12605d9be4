-- What a worker says of tasks that it holds, beside how their attempts ended.

-- No transition: record how far an attempt is. Returns false, and writes nothing, where the caller
-- no longer holds the task.
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

  -- Otherwise history would record the event that the caller has put into triaged.event.
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

-- started -> queued, for tasks that a worker holds without knowing: their claim committed, and its
-- response was lost with the connection. The worker lives, so nobody rescues them. It passes the
-- attempts that it knows, and keeps those. A pending cancel request wins, as in every release.
-- Returns the attempts that were released.
--
-- Only for a worker without a claim under way: a response that still arrives would name tasks that
-- the worker has lost here.
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
  -- Lock order: worker before tasks. Waits for a claim that the server still makes for a lost
  -- connection, since a claim share-locks the row.
  perform from triaged.workers where worker_id = release_unknown_tasks.worker_id for update;

  v_task_ids := triaged.held_task_ids(array[release_unknown_tasks.worker_id]);

  select array_agg(task.task_id), array_agg(task.attempt_count) into v_task_ids, v_attempts
  from triaged.live_tasks as task
  where task.task_id = any (v_task_ids) and task.worker_id = release_unknown_tasks.worker_id;

  -- Apart from the query above: joined with it, the planner may read the whole primary key, whose
  -- order serves a merge.
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
