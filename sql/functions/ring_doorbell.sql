-- Wake the workers that sleep, at commit, for what came in no lane or in several: they look into
-- all of theirs.
create or replace function triaged.ring_doorbell()
returns void
language sql
set search_path to pg_catalog, pg_temp
as $$
  select triaged.ring_lane(null, null, null);
$$;
