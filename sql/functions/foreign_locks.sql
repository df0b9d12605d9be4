-- Who has, or waits for, an advisory lock of the queue that is not theirs to have; what each lock
-- is called in `lock`. Look twice: work of the queue, such as a rescue, has one for moments. A
-- prepared transaction has no pid, and its name as the application.
create or replace function triaged.foreign_locks()
returns table (lock text, pid integer, role text, application text)
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  with asked as materialized (
    select
      held.pid, held.granted, held.mode,
      session.usesysid, coalesce(session.usename, prepared.owner) as usename,
      coalesce(session.application_name, prepared.gid) as application_name,
      (held.classid::bigint << 32) | held.objid::bigint as key
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
      and held.objsubid = 1
      and held.database = (select oid from pg_database where datname = current_database())
      and held.pid is distinct from pg_backend_pid()
  ),
  named as (
    select asked.*, 'worker ' || worker.worker_id as lock
    from asked
    join triaged.workers as worker on triaged.lock_key('worker', worker.worker_id) = asked.key
    where
      (worker.ended_at is null or worker.ended_at > triaged.now() - interval '1 hour')
      and asked.pid is distinct from worker.session_pid
      -- Locked by a version that wrote down no session_pid.
      and not (worker.has_session_lock and worker.session_pid is null)
    union all
    select asked.*, 'doorbell'
    from asked
    where
      asked.key = triaged.lock_key('doorbell', 0)
      and (
        asked.mode = 'ExclusiveLock'
        -- Shared by one that cannot be a worker: it may not use the schema.
        or not has_schema_privilege(
          asked.usesysid,
          (select relnamespace from pg_class where oid = 'triaged.live_tasks'::regclass),
          'usage'
        )
      )
    union all
    select asked.*, kind
    from asked
    cross join unnest(array['migrate', 'partition', 'relationships']) as kind
    where asked.key = triaged.lock_key(kind, 0) and asked.granted
  )
  select distinct named.lock, named.pid, coalesce(named.usename::text, 'unknown'),
    named.application_name
  from named
  order by 1, 2;
$$;
