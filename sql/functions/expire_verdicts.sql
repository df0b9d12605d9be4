-- Retention of the cache of verdicts: delete those that expired, and who was working one out and
-- does not hold its task any more. At most max_rows of each; returns how many verdicts went.
create or replace function triaged.expire_verdicts(max_rows integer default 10000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  delete from triaged.triage_results_cache
  where id = any (array(
    select expired.id
    from triaged.triage_results_cache as expired
    where expired.expires_at <= triaged.now()
    order by expired.expires_at
    limit max_rows
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;

  delete from triaged.verdict_fillers
  where cache_key = any (array(
    select filler.cache_key
    from triaged.verdict_fillers as filler
    where not exists (
      select from triaged.live_tasks as live
      where
        live.task_id = filler.task_id
        and live.attempt_count = filler.attempt
        and live.status = 'started'
    )
    limit max_rows
    -- One that is taken over right now stays.
    for update skip locked
  ));

  return v_deleted;
end;
$$;
