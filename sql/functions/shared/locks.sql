-- Advisory locks of the queue.

-- The key of an advisory lock of this schema. All names of locks are here. Everybody may call it by
-- a search path of his own, so every name has its schema. Anybody who may connect can take each of
-- these locks, so no wait for one is without a limit, and a lock that another session holds proves
-- nothing by itself.
--   'worker', worker_id   held by a session of the worker for as long as it lives
--   'wake-up', 0          shared by the sessions of workers that wait for a wake-up
--   'migrate', 0          held by the one migrator at work
--   'partition', 0        held by whoever makes partitions, to the end of its transaction
--   'runner NAME', 0      held by a session of the process whose jobs that runner runs
--   'compat NAME', 0      held while a compat worker of that name is looked up
--   'relationships', 0    held by whoever saves a relationship, to the end of its transaction
create or replace function triaged.lock_key(p_kind text, p_id bigint)
returns bigint
language sql
immutable
as $$
  select pg_catalog.hashtextextended('triaged.' operator(pg_catalog.||) p_kind, p_id);
$$;

-- Take an advisory lock to the end of the transaction. Anybody who may connect can keep such a
-- lock, so this waits five seconds at most, or lock_timeout where that is less, and then raises
-- 55P03 with the names of its holders.
create or replace function triaged.take_lock(p_kind text, p_id bigint default 0)
returns void
language plpgsql
as $$
declare
  v_key bigint := triaged.lock_key(p_kind, p_id);
  v_timeout text := current_setting('lock_timeout');
begin
  -- The usual case, without a savepoint.
  if pg_try_advisory_xact_lock(v_key) then
    return;
  end if;

  begin
    if v_timeout::interval = '0' or v_timeout::interval > '5 seconds' then
      perform set_config('lock_timeout', '5s', true);
    end if;

    perform pg_advisory_xact_lock(v_key);
    perform set_config('lock_timeout', v_timeout, true);
  exception
    when lock_not_available then
      raise exception 'the advisory lock "%" is held by %', p_kind, coalesce(
        (
          select string_agg(
            case
              when holder.pid is null and holder.application is not null
                then format('the prepared transaction %L (role %s)', holder.application,
                  holder.role)
              else format('pid %s (role %s, application %L)', holder.pid, holder.role,
                holder.application)
            end,
            ', '
          )
          from triaged.lock_holders(v_key) as holder
        ),
        'a session that is gone by now'
      )
      using
        errcode = '55P03',
        detail = 'An advisory lock of the queue was not to be had in time.',
        hint = 'Try again; or end that session: select pg_terminate_backend(pid); or that '
          'transaction: commit prepared, or rollback prepared, with its name.';
  end;
end;
$$;

-- Advisory locks of this database that are held or waited for: of one key of lock_key, or of all. A
-- prepared transaction has no pid; its name stands for the application.
create or replace function triaged.advisory_locks(p_key bigint default null)
returns table (
  key bigint, pid integer, granted boolean, mode text, role_id oid, role text, application text
)
language sql
stable
set search_path to pg_catalog, pg_temp
as $$
  select
    asked.key, asked.pid, asked.granted, asked.mode, session.usesysid,
    coalesce(session.usename::text, prepared.owner::text, 'unknown'),
    coalesce(session.application_name, prepared.gid)
  from (
    select *, (classid::bigint << 32) | objid::bigint as key
    from pg_locks
    where
      locktype = 'advisory'
      and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
  ) as asked
  left join pg_stat_activity as session on session.pid = asked.pid
  left join lateral (
    select known.owner, known.gid
    from pg_locks as own
    join pg_prepared_xacts as known on known.transaction = own.transactionid
    where
      asked.pid is null and own.pid is null and own.locktype = 'transactionid'
      and own.virtualtransaction = asked.virtualtransaction
  ) as prepared on true
  where p_key is null or asked.key = p_key;
$$;

-- Who holds the advisory lock of a key of lock_key.
create or replace function triaged.lock_holders(p_key bigint)
returns table (pid integer, role text, application text, is_shared boolean)
language sql
stable
set search_path to pg_catalog, pg_temp
as $$
  select held.pid, held.role, held.application, bool_and(held.mode = 'ShareLock')
  from triaged.advisory_locks(p_key) as held
  where held.granted
  group by held.pid, held.role, held.application
  order by held.pid;
$$;

-- Sessions that hold, or wait for, an advisory lock of the queue that they are not entitled to;
-- `lock` names it. Look twice: work of the queue, such as a rescue, holds a lock for moments.
create or replace function triaged.foreign_locks()
returns table (lock text, pid integer, role text, application text)
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  with asked as materialized (
    select * from triaged.advisory_locks() as found
    where found.pid is distinct from pg_backend_pid()
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
    select asked.*, 'wake-up'
    from asked
    where
      asked.key = triaged.lock_key('wake-up', 0)
      and (
        asked.mode = 'ExclusiveLock'
        -- Shared by one that cannot be a worker: it may not use the schema.
        or not has_schema_privilege(
          asked.role_id,
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
  select distinct named.lock, named.pid, named.role, named.application
  from named
  order by 1, 2;
$$;
