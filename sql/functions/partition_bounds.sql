-- From when to when the partition of that oid holds rows; null for a default one. The catalog has
-- its bounds as an expression, and writes them by the settings of the session: German dates, or a
-- zone whose letters mean two things, would be read back as other times.
create or replace function triaged.partition_bounds(p_partition bigint)
returns timestamptz[]
language sql
stable
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
as $$
  select regexp_match(
    pg_get_expr(relpartbound, oid), '[(]''([^'']+)''[)] TO [(]''([^'']+)''[)]'
  )::timestamptz[]
  from pg_class
  where oid = p_partition::oid;
$$;
