-- Which repository depends on which: where a change notification fans out to. The
-- functions save_repository, save_relationship and remove_relationship are the only writers.
create table triaged.repositories (
  id bigint generated always as identity,
  -- owner/name.
  repo_name text not null,
  repo_type text not null default 'service_provider',
  -- clone_url: where git gets it, if not from GITHUB_CLONE_BASE. What else an import says.
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,

  constraint repositories_pkey primary key (id),
  constraint repositories_name_unique unique (repo_name),
  constraint repositories_metadata_is_object check (jsonb_typeof(metadata) = 'object')
);

create table triaged.dependency_relationships (
  id bigint generated always as identity,
  -- The provider or template.
  source_repo_id bigint not null,
  -- The consumer or derivative.
  target_repo_id bigint not null,
  relationship_type text not null,
  -- Null where nobody said: the handlers have defaults.
  interface_files jsonb,
  change_triggers jsonb,
  shared_concerns jsonb,
  divergent_concerns jsonb,
  urgency_mapping jsonb,
  -- The rest of the relationship's configuration: description, sync_strategy, packages, …
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,

  constraint dependency_relationships_pkey primary key (id),
  constraint dependency_relationships_pair_unique unique (
    source_repo_id, target_repo_id, relationship_type
  ),
  constraint dependency_relationships_source_fkey foreign key (source_repo_id) references
    triaged.repositories on delete cascade,
  constraint dependency_relationships_target_fkey foreign key (target_repo_id) references
    triaged.repositories on delete cascade,
  constraint dependency_relationships_type_known check (
    relationship_type in ('api_consumer', 'template_fork')
  ),
  constraint dependency_relationships_of_two check (source_repo_id <> target_repo_id),
  constraint dependency_relationships_metadata_is_object check (jsonb_typeof(metadata) = 'object')
);

-- Serves dependents_of, which looks for the parents of a derivative, and the cascade.
create index dependency_relationships_target_idx on triaged.dependency_relationships (
  target_repo_id
);
