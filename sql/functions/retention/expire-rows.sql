-- Gone: expire_rows with the count of cached verdicts, which expire_verdicts deletes. A function
-- cannot be replaced by one with another result.
do $$
begin
  if exists (
    select from pg_catalog.pg_proc
    where
      oid = pg_catalog.to_regprocedure('triaged.expire_rows(integer, integer)')
      and 'triage_results' = any (proargnames)
  ) then
    drop function triaged.expire_rows(integer, integer);
  end if;
end;
$$;

-- Retention of tables without partitions: dedupe keys that nobody holds, and workers that ended so
-- many days ago; null means 90 days, or as long as history names them, and 0 keeps them. Deletes at
-- most max_rows of each, and returns how many.
create or replace function triaged.expire_rows(
  max_rows integer default 10000,
  worker_days integer default null
)
returns table (dedupe_keys integer, workers integer)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A day has 24 hours.
set timezone to 'UTC'
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_history_days integer := triaged.retention_days('task_history');
  v_worker_days integer := coalesce(
    worker_days, case when v_history_days > 0 then greatest(v_history_days, 90) else 0 end
  );
  v_free text[];
begin
  v_free := array(
    select held.dedupe_key
    from triaged.dedupe_keys as held
    where
      coalesce(held.until, '-infinity') <= v_now
      and not exists (select from triaged.live_tasks as live where live.task_id = held.task_id)
    limit max_rows
    -- An enqueue that looks at the key right now keeps it.
    for update skip locked
  );

  -- Asked again, by a statement that sees what has committed since: an enqueue may have
  -- taken the key between the look at it and its lock, and its task is live by now.
  delete from triaged.dedupe_keys as held
  where
    held.dedupe_key = any (v_free)
    and coalesce(held.until, '-infinity') <= v_now
    and not exists (select from triaged.live_tasks as live where live.task_id = held.task_id);
  get diagnostics dedupe_keys = row_count;

  delete from triaged.workers
  where worker_id = any (array(
    select gone.worker_id
    from triaged.workers as gone
    where v_worker_days > 0 and gone.ended_at < v_now - make_interval(days => v_worker_days)
    limit max_rows
  ));
  get diagnostics workers = row_count;

  -- Of a start by hand for a worker that is gone: nobody tidies them.
  delete from triaged.claims as claim
  where
    not exists (
      select from triaged.workers as alive
      where alive.worker_id = claim.worker_id and alive.ended_at is null
    )
    and not exists (
      select from triaged.live_tasks as task
      where task.task_id = any (claim.task_ids) and task.worker_id = claim.worker_id
      offset 0
    );

  return next;
end;
$$;
