-- Verdicts that were reached before.
create or replace view triaged_compat.triage_results_cache as
select
  id, source_repo, target_repo, commit_sha, relationship_type, requires_action, urgency,
  impact_summary, confidence, result_data, created_at, expires_at
from triaged.triage_results_cache;
