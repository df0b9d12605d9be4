-- The cache of verdicts.

-- Ask for the cached verdict of a key, for an attempt that needs it. One row with `verdict`: it is
-- there, and the hit is counted. One row with `filler_task_id`: another attempt works it out now;
-- ask again later. No row: the caller works it out, and others wait until it calls store_verdict or
-- leave_verdict, or no longer holds its task.
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

    -- From here on every branch ends with another look above, by a statement that sees later
    -- commits: the earlier filler may have stored its verdict meanwhile.
    insert into triaged.verdict_fillers as filler (cache_key, task_id, attempt, since)
    values (
      take_verdict.cache_key, take_verdict.task_id, take_verdict.attempt, triaged.now()
    )
    on conflict (cache_key) do nothing;

    v_mine := found;
    continue when v_mine;

    -- Lock order: first the filler of a key, then, in the next round, its verdict. store_verdict
    -- locks a verdict only where it is new or expired, and no look above waits for that.
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

-- Keep a verdict under its key for keep_for, in the transaction that releases the key. The first
-- verdict stays: the key fixes every input, so the verdict of an attempt that lost its task is as
-- right. `verdict` is a result of triage. Returns whether this verdict was kept.
create or replace function triaged.store_verdict(
  cache_key text,
  task_id bigint,
  attempt integer,
  verdict jsonb,
  relationship_type text,
  config_hash text,
  keep_for interval default '7 days'
)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_stored boolean;
begin
  insert into triaged.triage_results_cache as cached (
    cache_key, source_repo, target_repo, commit_sha, target_sha, relationship_type,
    analyzer_version, config_hash, requires_action, urgency, impact_summary, confidence,
    result_data, created_at, expires_at
  )
  values (
    store_verdict.cache_key,
    verdict #>> '{evidence,source,repo}',
    verdict #>> '{evidence,target,repo}',
    verdict #>> '{evidence,source,head_sha}',
    verdict #>> '{evidence,target,sha}',
    store_verdict.relationship_type,
    verdict #>> '{analyzer,version}',
    store_verdict.config_hash,
    (verdict ->> 'requires_action')::boolean,
    verdict ->> 'urgency',
    verdict ->> 'impact_summary',
    (verdict ->> 'confidence')::double precision,
    store_verdict.verdict, v_now, v_now + store_verdict.keep_for
  )
  -- An expired verdict may still be there until retention deletes it.
  on conflict on constraint triage_results_cache_key_unique do update set
    source_repo = excluded.source_repo,
    target_repo = excluded.target_repo,
    commit_sha = excluded.commit_sha,
    target_sha = excluded.target_sha,
    relationship_type = excluded.relationship_type,
    analyzer_version = excluded.analyzer_version,
    config_hash = excluded.config_hash,
    requires_action = excluded.requires_action,
    urgency = excluded.urgency,
    impact_summary = excluded.impact_summary,
    confidence = excluded.confidence,
    result_data = excluded.result_data,
    created_at = excluded.created_at,
    expires_at = excluded.expires_at
  where cached.expires_at <= v_now;

  v_stored := found;

  perform triaged.leave_verdict(
    store_verdict.cache_key, store_verdict.task_id, store_verdict.attempt
  );

  return v_stored;
end;
$$;

-- Stop an attempt from being the one that works out the verdict of a key, so that another may. Does
-- nothing where another attempt took over.
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

-- Trigger of dependency_relationships: a verdict on a pair rests on how the pair is
-- configured, so those that are cached end with the configuration. In both directions:
-- templates may take changes back.
create or replace function triaged.expire_cached_results()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_changed triaged.dependency_relationships;
  v_source text;
  v_target text;
begin
  -- As in insert_task.
  if tg_relid <> 'triaged.dependency_relationships'::regclass then
    raise exception 'expire_cached_results() does not serve %', tg_relid::regclass
      using errcode = '42501';
  end if;

  -- The cached verdicts that a dump holds were reached under the relationships that it holds.
  if triaged.is_restoring() then
    return null;
  end if;

  v_changed := coalesce(new, old);

  select repo_name into v_source
  from triaged.repositories where id = v_changed.source_repo_id;

  select repo_name into v_target
  from triaged.repositories where id = v_changed.target_repo_id;

  update triaged.triage_results_cache
  set expires_at = triaged.now()
  where
    (source_repo, target_repo) in ((v_source, v_target), (v_target, v_source))
    and expires_at > triaged.now();

  return null;
end;
$$;
