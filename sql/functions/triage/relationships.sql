-- Which repository depends on which.

-- Record that target_repo depends on source_repo, as api_consumer or template_fork, with a
-- configuration, which replaces an earlier one. Unknown repositories are registered. Returns
-- created, changed or unchanged; unchanged writes nothing, so cached verdicts on the pair stay.
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

  -- One at a time, so that the later of two callers for one pair sees the row that it changes.
  perform triaged.take_lock('relationships');

  if not exists (
    select from triaged.repositories where repo_name = save_relationship.source_repo
  ) then
    perform triaged.keep_repository(save_relationship.source_repo);
  end if;

  if not exists (
    select from triaged.repositories where repo_name = save_relationship.target_repo
  ) then
    perform triaged.keep_repository(
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

    perform triaged.record_operation(
      'save_relationship',
      p_target => jsonb_build_object(
        'source_repo', save_relationship.source_repo,
        'target_repo', save_relationship.target_repo,
        'relationship_type', save_relationship.relationship_type
      ),
      p_change => jsonb_build_object('outcome', 'created')
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

  if not found then
    return 'unchanged';
  end if;

  perform triaged.record_operation(
    'save_relationship',
    p_target => jsonb_build_object(
      'source_repo', save_relationship.source_repo,
      'target_repo', save_relationship.target_repo,
      'relationship_type', save_relationship.relationship_type
    ),
    p_change => jsonb_build_object('outcome', 'changed')
  );

  return 'changed';
end;
$$;

-- Raise an error for a relationship that cannot be saved. A child of a notification with such a
-- configuration would otherwise be refused by its handler, much later.
create or replace function triaged.check_relationship(
  p_source_repo text,
  p_target_repo text,
  p_relationship_type text,
  p_config jsonb
)
returns void
language plpgsql
immutable
as $$
declare
  v_max_bytes constant integer := 65536;
  v_triggers constant text[] :=
    '{api_contract, authentication, deployment, configuration, endpoints}';
  v_key text;
  v_value jsonb;
  v_word text;
begin
  perform triaged.check_repo_name('source_repo', p_source_repo);
  perform triaged.check_repo_name('target_repo', p_target_repo);

  if p_source_repo = p_target_repo then
    raise exception 'expected two repositories, got % twice', p_source_repo
      using
        errcode = '22023',
        hint = 'First the one that changes, then the one that depends on it.';
  end if;

  if coalesce(p_relationship_type, 'null') not in ('api_consumer', 'template_fork') then
    raise exception 'expected relationship_type to be api_consumer or template_fork, got %',
      coalesce(p_relationship_type, 'null')
      using errcode = '22023';
  end if;

  if jsonb_typeof(p_config) is distinct from 'object' then
    raise exception 'expected relationship_config to be a JSON object, got %',
      coalesce(jsonb_typeof(p_config), 'null')
      using errcode = '22023';
  end if;

  if octet_length(p_config::text) > v_max_bytes then
    raise exception 'relationship_config has % bytes, more than the limit of %',
      octet_length(p_config::text), v_max_bytes
      using errcode = 'TR003', hint = 'Every task about the pair carries it.';
  end if;

  if p_config ->> 'relationship_type' <> p_relationship_type then
    raise exception 'relationship_type is %, and % in relationship_config', p_relationship_type,
      p_config ->> 'relationship_type'
      using errcode = '22023';
  end if;

  for v_key, v_value in select * from jsonb_each(triaged.without_nulls(p_config)) loop
    if v_key in ('interface_files', 'change_triggers', 'shared_concerns', 'divergent_concerns')
      and (
        jsonb_typeof(v_value) <> 'array'
        or jsonb_path_exists(v_value, 'strict $[*] ? (@.type() != "string")')
      )
    then
      raise exception 'expected % to be a list of texts, got %', v_key, left(v_value::text, 80)
        using errcode = '22023';
    elsif v_key = 'urgency_mapping' and jsonb_typeof(v_value) <> 'object' then
      raise exception 'expected urgency_mapping to be an object, got %', left(v_value::text, 80)
        using errcode = '22023';
    elsif v_key = 'bidirectional' and jsonb_typeof(v_value) <> 'boolean' then
      raise exception 'expected bidirectional to be true or false, got %',
        left(v_value::text, 80)
        using errcode = '22023';
    elsif v_key = 'sync_strategy'
      and v_value not in ('"selective"', '"all"', '"security_only"')
    then
      raise exception 'expected sync_strategy to be selective, all or security_only, got %',
        left(v_value::text, 80)
        using errcode = '22023';
    elsif v_key = 'on_uncertain' and v_value not in ('"flag"', '"ask"') then
      raise exception 'expected on_uncertain to be flag or ask, got %', left(v_value::text, 80)
        using errcode = '22023';
    end if;
  end loop;

  select word into v_word
  from (
    select jsonb_array_elements_text(coalesce(nullif(p_config -> 'change_triggers', 'null'), '[]'))
    union all
    select jsonb_object_keys(coalesce(nullif(p_config -> 'urgency_mapping', 'null'), '{}'))
  ) as given (word)
  -- A comment, whose value is a text for people.
  where word <> all (v_triggers) and left(word, 1) <> '_'
  limit 1;

  if found then
    raise exception 'unknown trigger %', to_json(left(v_word, 80))
      using errcode = '22023', hint = 'Known are ' || array_to_string(v_triggers, ', ') || '.';
  end if;

  select value::text into v_word
  from jsonb_each(coalesce(nullif(p_config -> 'urgency_mapping', 'null'), '{}'))
  where value not in ('"critical"', '"high"', '"medium"', '"low"') and left(key, 1) <> '_'
  limit 1;

  if found then
    raise exception 'unknown urgency %', left(v_word, 80)
      using errcode = '22023', hint = 'Known are critical, high, medium, low.';
  end if;
end;
$$;

-- Delete the relationships of target_repo with source_repo, all or those of one type. The
-- repositories stay known. Returns how many were deleted.
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

  if v_count > 0 then
    perform triaged.record_operation(
      'remove_relationship',
      p_target => jsonb_strip_nulls(jsonb_build_object(
        'source_repo', remove_relationship.source_repo,
        'target_repo', remove_relationship.target_repo,
        'relationship_type', remove_relationship.relationship_type
      )),
      p_change => jsonb_build_object('removed', v_count)
    );
  end if;

  return v_count;
end;
$$;
