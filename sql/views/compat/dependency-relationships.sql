-- Which repository depends on which.
create or replace view triaged_compat.dependency_relationships as
select
  id, source_repo_id, target_repo_id, relationship_type, interface_files, change_triggers,
  shared_concerns, divergent_concerns, urgency_mapping, metadata, created_at, updated_at
from triaged.dependency_relationships;
