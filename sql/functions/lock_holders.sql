-- The sessions that hold the advisory lock of a key of lock_key in this database.
create or replace function triaged.lock_holders(p_key bigint)
returns table (pid integer, role text, application text, is_shared boolean)
language sql
stable
set search_path to pg_catalog, pg_temp
as $$
  select
    held.pid, coalesce(session.usename::text, 'unknown'), session.application_name,
    bool_and(held.mode = 'ShareLock')
  from pg_locks as held
  left join pg_stat_activity as session on session.pid = held.pid
  where
    held.locktype = 'advisory'
    and held.granted
    and held.database = (select oid from pg_database where datname = current_database())
    and held.objsubid = 1
    and ((held.classid::bigint << 32) | held.objid::bigint) = p_key
  group by held.pid, session.usename, session.application_name
  order by held.pid;
$$;
