-- Keep a verdict under its key for keep_for, in the transaction that lets go of the key. The
-- first one stays: the key fixes every input, so that one of an attempt that lost its task is
-- as right. `verdict` is a result of triage. Returns whether it was this one that is kept.
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
  -- One that expired may still be there, until it is swept.
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
