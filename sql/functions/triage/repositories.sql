-- The repositories that relationships name.

-- Register a repository, or change its record. A null leaves a column as it is; metadata is merged
-- by its keys, and a key whose value is null is removed. Returns created, changed or unchanged.
create or replace function triaged.save_repository(
  repo_name text,
  repo_type text default null,
  metadata jsonb default '{}'
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_outcome text := triaged.keep_repository(
    save_repository.repo_name, save_repository.repo_type, save_repository.metadata
  );
begin
  if v_outcome <> 'unchanged' then
    perform triaged.record_operation(
      'save_repository',
      p_target => jsonb_build_object('repository', save_repository.repo_name),
      p_change => jsonb_build_object('outcome', v_outcome)
    );
  end if;

  return v_outcome;
end;
$$;

-- The same without a record: a relationship that is saved registers its repositories.
create or replace function triaged.keep_repository(
  repo_name text,
  repo_type text default null,
  metadata jsonb default '{}'
)
returns text
language plpgsql
as $$
#variable_conflict use_column
declare
  v_url text := keep_repository.metadata ->> 'clone_url';
begin
  perform triaged.check_repo_name('repo_name', keep_repository.repo_name);

  if length(keep_repository.repo_type) not between 1 and 200 then
    raise exception 'expected repo_type to have 1 to 200 characters, got %',
      length(keep_repository.repo_type)
      using errcode = '22023';
  end if;

  if jsonb_typeof(keep_repository.metadata) is distinct from 'object'
    or octet_length(keep_repository.metadata::text) > 65536
  then
    raise exception 'expected metadata to be a JSON object of at most 65536 bytes'
      using errcode = '22023';
  end if;

  if v_url !~ '^((https?|ssh|file)://|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:)[^[:space:][:cntrl:]]+$'
    or length(v_url) > 2000
  then
    raise exception 'expected clone_url to be a URL of git, got %', to_json(left(v_url, 80))
      using
        errcode = '22023',
        hint = case
          when v_url ~ '^/[^[:space:][:cntrl:]]+$'
            then format('A folder is file://%s', left(v_url, 80))
          else 'https://…, ssh://…, file:///… or git@host:path.'
        end;
  end if;

  -- Not quoted: it may hold a password.
  if v_url ~ '^https?://[^/]*@' or v_url ~ '^[a-z]+://[^/]*:[^/]*@' then
    raise exception 'clone_url holds a login'
      using
        errcode = '22023',
        hint = 'Every task and its history would show it; set GITHUB_TOKEN for the workers.';
  end if;

  insert into triaged.repositories as known (
    repo_name, repo_type, metadata, created_at, updated_at
  )
  values (
    keep_repository.repo_name, coalesce(keep_repository.repo_type, 'service_provider'),
    triaged.without_nulls(keep_repository.metadata), triaged.now(), triaged.now()
  )
  on conflict on constraint repositories_name_unique do nothing;

  if found then
    return 'created';
  end if;

  update triaged.repositories as known
  set
    repo_type = coalesce(keep_repository.repo_type, known.repo_type),
    metadata = triaged.without_nulls(known.metadata || keep_repository.metadata),
    updated_at = triaged.now()
  where
    known.repo_name = keep_repository.repo_name
    and (known.repo_type, known.metadata) is distinct from (
      coalesce(keep_repository.repo_type, known.repo_type),
      triaged.without_nulls(known.metadata || keep_repository.metadata)
    );

  return case when found then 'changed' else 'unchanged' end;
end;
$$;

-- Raise an error for a name that cannot be that of a repository. It becomes a part of paths and
-- URLs, so it has their characters only, and no part of dots alone.
create or replace function triaged.check_repo_name(p_argument text, p_repo_name text)
returns void
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
begin
  if p_repo_name is null
    or length(p_repo_name) > 200
    or p_repo_name !~ '^[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$'
    or p_repo_name ~ '(^|/)[.]+(/|$)'
  then
    raise exception 'expected % to be a repository like owner/name, got %', p_argument,
      coalesce(to_json(left(p_repo_name, 80))::text, 'null')
      using
        errcode = '22023',
        hint = 'Letters, digits, "_", "-" and "." with slashes between, at most 200 characters.';
  end if;
end;
$$;

-- The object without its null keys, which say nothing. Below the first level null is a value that
-- somebody chose.
create or replace function triaged.without_nulls(p_object jsonb)
returns jsonb
language sql
immutable
set search_path to pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
  from jsonb_each(p_object)
  where value <> 'null';
$$;
