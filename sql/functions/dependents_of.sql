-- Whom a change of a repository concerns, and the task that finds out how: its consumers,
-- its derivatives, and the templates that it is a bidirectional derivative of. For those,
-- source and target change places, and the configuration says direction: reverse. A repository
-- that is registered in other upper and lower case alone is meant, as it is one for GitHub.
create or replace function triaged.dependents_of(source_repo text)
returns table (
  role text,
  task_type text,
  target_repo text,
  relationship_type text,
  relationship_config jsonb
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_source text := coalesce(
    (
      select known.repo_name
      from triaged.repositories as known
      where known.repo_name = dependents_of.source_repo
    ),
    (
      select min(known.repo_name)
      from triaged.repositories as known
      where lower(known.repo_name) = lower(dependents_of.source_repo)
      -- Of two that are meant alike neither is.
      having count(*) = 1
    )
  );
begin
  return query
  select
    case known.relationship_type when 'api_consumer' then 'consumer' else 'derivative' end,
    case known.relationship_type
      when 'api_consumer' then 'consumer_triage' else 'template_triage'
    end,
    known.target_repo,
    known.relationship_type,
    known.relationship_config
  from triaged.relationships as known
  where known.source_repo = v_source
  union all
  select
    'parent',
    'template_triage',
    known.source_repo,
    known.relationship_type,
    known.relationship_config - '{source_clone_url, target_clone_url}'::text[]
      || jsonb_strip_nulls(jsonb_build_object(
        'direction', 'reverse',
        'source_clone_url', known.relationship_config -> 'target_clone_url',
        'target_clone_url', known.relationship_config -> 'source_clone_url'
      ))
  from triaged.relationships as known
  where
    known.target_repo = v_source
    and known.relationship_type = 'template_fork'
    and known.relationship_config -> 'bidirectional' = 'true'
    -- Two that are templates of each other: once is enough.
    and not exists (
      select
      from triaged.relationships as forth
      where
        forth.source_repo = v_source
        and forth.target_repo = known.source_repo
        and forth.relationship_type = 'template_fork'
    )
  order by 1, 3;
end;
$$;
