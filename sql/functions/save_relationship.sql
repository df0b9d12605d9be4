-- Say that target_repo depends on source_repo: api_consumer or template_fork, and with what
-- configuration, which takes the place of an earlier one. Repositories that are not known
-- yet are registered. Returns created, changed or unchanged; unchanged writes nothing, so
-- cached verdicts on the pair stay.
create or replace function triaged.save_relationship(
  source_repo text,
  target_repo text,
  relationship_type text,
  relationship_config jsonb default '{}'
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_config jsonb := triaged.without_nulls(save_relationship.relationship_config);
  v_columns constant text[] := '{interface_files, change_triggers, shared_concerns,
    divergent_concerns, urgency_mapping}';
  v_metadata jsonb;
  v_existing triaged.dependency_relationships;
  v_source_id bigint;
  v_target_id bigint;
begin
  perform triaged.check_relationship(
    save_relationship.source_repo, save_relationship.target_repo,
    save_relationship.relationship_type, save_relationship.relationship_config
  );

  -- One at a time, so that of two callers for one pair the later one sees what it changes.
  perform triaged.take_lock('relationships');

  if not exists (
    select from triaged.repositories where repo_name = save_relationship.source_repo
  ) then
    perform triaged.save_repository(save_relationship.source_repo);
  end if;

  if not exists (
    select from triaged.repositories where repo_name = save_relationship.target_repo
  ) then
    perform triaged.save_repository(
      save_relationship.target_repo,
      case save_relationship.relationship_type
        when 'api_consumer' then 'consumer' else 'derivative'
      end
    );
  end if;

  select id into v_source_id
  from triaged.repositories where repo_name = save_relationship.source_repo;

  select id into v_target_id
  from triaged.repositories where repo_name = save_relationship.target_repo;

  v_metadata := v_config - v_columns
    - '{repo, relationship_type, source_clone_url, target_clone_url}'::text[];

  select * into v_existing
  from triaged.dependency_relationships as known
  where
    known.source_repo_id = v_source_id
    and known.target_repo_id = v_target_id
    and known.relationship_type = save_relationship.relationship_type;

  if not found then
    insert into triaged.dependency_relationships (
      source_repo_id, target_repo_id, relationship_type, interface_files, change_triggers,
      shared_concerns, divergent_concerns, urgency_mapping, metadata, created_at, updated_at
    )
    values (
      v_source_id, v_target_id, save_relationship.relationship_type,
      v_config -> 'interface_files', v_config -> 'change_triggers',
      v_config -> 'shared_concerns', v_config -> 'divergent_concerns',
      v_config -> 'urgency_mapping', v_metadata, triaged.now(), triaged.now()
    );

    return 'created';
  end if;

  update triaged.dependency_relationships as known
  set
    interface_files = v_config -> 'interface_files',
    change_triggers = v_config -> 'change_triggers',
    shared_concerns = v_config -> 'shared_concerns',
    divergent_concerns = v_config -> 'divergent_concerns',
    urgency_mapping = v_config -> 'urgency_mapping',
    metadata = v_metadata,
    updated_at = triaged.now()
  where
    known.id = v_existing.id
    and (
      known.interface_files, known.change_triggers, known.shared_concerns,
      known.divergent_concerns, known.urgency_mapping, known.metadata
    ) is distinct from (
      v_config -> 'interface_files', v_config -> 'change_triggers',
      v_config -> 'shared_concerns', v_config -> 'divergent_concerns',
      v_config -> 'urgency_mapping', v_metadata
    );

  return case when found then 'changed' else 'unchanged' end;
end;
$$;
