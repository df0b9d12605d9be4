-- Ask for the cached verdict of a key, for an attempt that needs it. One row with `verdict`: it
-- is there, and the hit is counted. One row with `filler_task_id`: another attempt works it out
-- right now; ask again later. No row: the caller works it out, and others wait for it until it
-- calls store_verdict or leave_verdict, or no longer holds its task.
create or replace function triaged.take_verdict(cache_key text, task_id bigint, attempt integer)
returns table (verdict jsonb, filler_task_id bigint)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_mine boolean := false;
  v_filler triaged.verdict_fillers;
begin
  loop
    update triaged.triage_results_cache as cached
    set hit_count = cached.hit_count + 1, last_hit_at = triaged.now()
    where
      cached.cache_key = take_verdict.cache_key
      and cached.expires_at > triaged.now()
    returning cached.result_data into verdict;

    if found then
      if v_mine then
        perform triaged.leave_verdict(
          take_verdict.cache_key, take_verdict.task_id, take_verdict.attempt
        );
      end if;
      return next;
      return;
    end if;

    exit when v_mine;

    -- From here on each way ends with another look above, by a statement that sees what has
    -- committed since: the filler before may have stored its verdict meanwhile.
    insert into triaged.verdict_fillers as filler (cache_key, task_id, attempt, since)
    values (
      take_verdict.cache_key, take_verdict.task_id, take_verdict.attempt, triaged.now()
    )
    on conflict (cache_key) do nothing;

    v_mine := found;
    continue when v_mine;

    -- Lock order: of a key first who fills it, then, in the next round, its verdict; who stores
    -- locks a verdict only where it is new or expired, which no look above waits for.
    select filler.* into v_filler
    from triaged.verdict_fillers as filler
    where filler.cache_key = take_verdict.cache_key
    for update;

    continue when not found;

    if (v_filler.task_id, v_filler.attempt) <> (take_verdict.task_id, take_verdict.attempt)
      and exists (
        select from triaged.live_tasks as live
        where
          live.task_id = v_filler.task_id
          and live.attempt_count = v_filler.attempt
          and live.status = 'started'
      )
    then
      filler_task_id := v_filler.task_id;
      return next;
      return;
    end if;

    update triaged.verdict_fillers as filler
    set task_id = take_verdict.task_id, attempt = take_verdict.attempt, since = triaged.now()
    where filler.cache_key = take_verdict.cache_key;

    v_mine := true;
  end loop;
end;
$$;
