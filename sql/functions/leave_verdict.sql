-- The attempt does not work the verdict of the key out any more: who waits for it may. Nothing
-- happens where another one took over.
create or replace function triaged.leave_verdict(cache_key text, task_id bigint, attempt integer)
returns void
language sql
security definer
set search_path to pg_catalog, pg_temp
as $$
  delete from triaged.verdict_fillers as filler
  where
    filler.cache_key = leave_verdict.cache_key
    and filler.task_id = leave_verdict.task_id
    and filler.attempt = leave_verdict.attempt;
$$;
