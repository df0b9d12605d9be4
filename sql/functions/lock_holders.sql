-- Who holds the advisory lock of a key of lock_key in this database. A prepared transaction has no
-- pid, and its name as the application.
create or replace function triaged.lock_holders(p_key bigint)
returns table (pid integer, role text, application text, is_shared boolean)
language sql
stable
set search_path to pg_catalog, pg_temp
as $$
  select
    held.pid, coalesce(session.usename::text, prepared.owner::text, 'unknown'),
    coalesce(session.application_name, prepared.gid), bool_and(held.mode = 'ShareLock')
  from pg_locks as held
  left join pg_stat_activity as session on session.pid = held.pid
  left join lateral (
    select known.owner, known.gid
    from pg_locks as own
    join pg_prepared_xacts as known on known.transaction = own.transactionid
    where
      held.pid is null and own.pid is null and own.locktype = 'transactionid'
      and own.virtualtransaction = held.virtualtransaction
  ) as prepared on true
  where
    held.locktype = 'advisory'
    and held.granted
    and held.database = (select oid from pg_database where datname = current_database())
    and held.objsubid = 1
    and ((held.classid::bigint << 32) | held.objid::bigint) = p_key
  group by held.pid, session.usename, session.application_name, prepared.owner, prepared.gid
  order by held.pid;
$$;
