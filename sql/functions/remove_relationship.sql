-- Forget that target_repo depends on source_repo, in every way or in that of one type.
-- The repositories stay known. Returns how many relationships went.
create or replace function triaged.remove_relationship(
  source_repo text,
  target_repo text,
  relationship_type text default null
)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_count integer;
begin
  delete from triaged.dependency_relationships as gone
  using triaged.repositories as source, triaged.repositories as target
  where
    source.id = gone.source_repo_id
    and target.id = gone.target_repo_id
    and source.repo_name = remove_relationship.source_repo
    and target.repo_name = remove_relationship.target_repo
    and gone.relationship_type
      = coalesce(remove_relationship.relationship_type, gone.relationship_type);

  get diagnostics v_count = row_count;
  return v_count;
end;
$$;
