-- The object without the keys that are null, which say nothing. Below its first level null is a
-- value that somebody chose.
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
