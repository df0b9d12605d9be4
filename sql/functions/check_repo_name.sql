-- Raise what is wrong with the name of a repository. It becomes a part of paths and URLs,
-- so it has the characters of such, and no part of dots alone.
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
