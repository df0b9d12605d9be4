-- How much work the cache of verdicts saves, by relationship type and version of the rules:
-- verdicts that are kept, how often one was taken instead of worked out, and the share of those
-- takes in all verdicts given. Verdicts that retention has deleted no longer count.
create or replace view triaged.triage_cache_statistics as
select
  relationship_type,
  analyzer_version,
  count(*) as verdicts,
  sum(hit_count)::bigint as hits,
  sum(hit_count)::double precision / (sum(hit_count) + count(*)) as hit_share,
  max(last_hit_at) as last_hit_at,
  max(created_at) as last_stored_at,
  count(*) filter (where expires_at <= triaged.now()) as expired
from triaged.triage_results_cache
group by relationship_type, analyzer_version;
