-- The relationships by the names of their repositories, with the configuration that a
-- task about the pair gets.
create or replace view triaged.relationships as
select
  source.repo_name as source_repo,
  target.repo_name as target_repo,
  relationship.relationship_type,
  relationship.metadata || jsonb_strip_nulls(jsonb_build_object(
    'relationship_type', relationship.relationship_type,
    'interface_files', relationship.interface_files,
    'change_triggers', relationship.change_triggers,
    'shared_concerns', relationship.shared_concerns,
    'divergent_concerns', relationship.divergent_concerns,
    'urgency_mapping', relationship.urgency_mapping,
    'source_clone_url', source.metadata -> 'clone_url',
    'target_clone_url', target.metadata -> 'clone_url'
  )) as relationship_config,
  relationship.created_at,
  relationship.updated_at
from triaged.dependency_relationships as relationship
join triaged.repositories as source on source.id = relationship.source_repo_id
join triaged.repositories as target on target.id = relationship.target_repo_id;
