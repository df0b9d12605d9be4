-- Verdicts that were reached before. The key fixes every input, so a row is right
-- for as long as it exists.
create table triaged.triage_results_cache (
  id bigint generated always as identity,
  -- sha256 of the canonical inputs: handler, versions, both trees, configuration.
  cache_key text not null,
  source_repo text not null,
  target_repo text not null,
  commit_sha text not null,
  target_sha text,
  relationship_type text not null,
  analyzer_version text not null,
  config_hash text not null,
  requires_action boolean not null,
  urgency text not null,
  impact_summary text not null,
  confidence double precision not null,
  result_data jsonb not null,
  hit_count bigint not null default 0,
  last_hit_at timestamptz,
  created_at timestamptz not null,
  expires_at timestamptz not null,

  constraint triage_results_cache_pkey primary key (id),
  constraint triage_results_cache_key_unique unique (cache_key)
);

-- Serves look-ups by hand. Not unique: results of different relationship types and
-- analyzers share these columns.
create index triage_results_cache_change_idx on triaged.triage_results_cache (
  source_repo, target_repo, commit_sha, relationship_type
);

-- Serves expire_rows.
create index triage_results_cache_expiry_idx on triaged.triage_results_cache (expires_at);
