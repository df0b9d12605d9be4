-- What changed between two looks, for the audit log: what processes start with, and what nobody
-- changes by a function of ours.

-- Compare what a process starts with and what the last one of its kind did, on this host or, where
-- none has, on any; write what differs. Settings: an object, by the names of variables. Keys: an
-- array of {"name", "role", "requests_per_minute", "mark"}; null where it has none to tell of. The
-- first start of a kind is compared with nothing. Returns how many rows it wrote.
create or replace function triaged.record_start(
  process text,
  host text,
  settings jsonb,
  keys jsonb default null
)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  c_letters_max constant integer := 200000;
  v_before jsonb;
  v_now jsonb;
  v_written integer := 0;
begin
  if process not in ('worker', 'gateway', 'jobs') or process is null then
    raise exception 'expected worker, gateway or jobs, got %', to_json(left(process, 80))
      using errcode = '22023';
  end if;

  if
    jsonb_typeof(settings) is distinct from 'object'
    or octet_length(settings::text) > c_letters_max
  then
    raise exception 'expected an object of at most % letters', c_letters_max
      using errcode = '22023';
  end if;

  if
    keys is not null
    and (jsonb_typeof(keys) <> 'array' or octet_length(keys::text) > 20 * c_letters_max)
  then
    raise exception 'expected an array of keys' using errcode = '22023';
  end if;

  if triaged.audit_is_full('setting.changed') or triaged.audit_is_full('limit.changed') then
    -- What is known stays: a later start tells of it.
    return 0;
  end if;

  v_now := triaged.without_secrets(settings);
  v_before := triaged.exchange_known('settings', process, host, v_now);

  if v_before is not null then
    v_written := triaged.record_settings(process, host, v_before, v_now);
  end if;

  if keys is not null and not triaged.audit_is_full('key.changed') then
    v_before := triaged.exchange_known('keys', process, host, triaged.known_keys(keys));

    if v_before is not null then
      v_written := v_written + triaged.record_keys(v_before, triaged.known_keys(keys));
    end if;
  end if;

  return v_written;
end;
$$;

-- Keep what is known of a kind of process on a host, and return what was known before: there, else
-- of the newest on any host, else null. The newest 100 hosts of a kind are kept.
create or replace function triaged.exchange_known(
  p_what text,
  p_process text,
  p_host text,
  p_known jsonb
)
returns jsonb
language plpgsql
as $$
declare
  c_hosts_max constant integer := 100;
  v_kind text := p_what || '/' || p_process || '/';
  v_subject text := v_kind || coalesce(left(p_host, 255), '');
  v_before jsonb;
begin
  select known.known into v_before
  from triaged.audit_known as known
  where known.subject = v_subject
  -- Lock order: the only lock here. The second of two that start at once sees what the first knew.
  for update;

  if not found then
    select known.known into v_before
    from triaged.audit_known as known
    where starts_with(known.subject, v_kind)
    order by known.seen_at desc
    limit 1;
  end if;

  insert into triaged.audit_known as known (subject, known, seen_at)
  values (v_subject, p_known, triaged.now())
  on conflict on constraint audit_known_pkey
  do update set known = excluded.known, seen_at = excluded.seen_at;

  delete from triaged.audit_known
  where subject in (
    select old.subject
    from triaged.audit_known as old
    where starts_with(old.subject, v_kind) and old.subject <> v_subject
    order by old.seen_at desc
    offset c_hosts_max - 1
  );

  return v_before;
end;
$$;

-- One row for settings that differ, one for limits. Returns how many.
create or replace function triaged.record_settings(
  p_process text,
  p_host text,
  p_before jsonb,
  p_now jsonb
)
returns integer
language plpgsql
as $$
declare
  v_kind record;
  v_written integer := 0;
begin
  for v_kind in
    select
      each.event_type,
      jsonb_agg(
        jsonb_build_object(
          'name', each.name, 'value', left(each.value, 500), 'previous', left(each.previous, 500)
        )
        order by each.name
      ) as changed
    from (
      select
        name,
        p_now ->> name as value,
        p_before ->> name as previous,
        case
          when name ~ '(^|_)MAX(_|$)' or name in ('CONCURRENCY', 'DB_POOL_SIZE')
            then 'limit.changed'
          else 'setting.changed'
        end as event_type
      from (
        select jsonb_object_keys(p_now)
        union
        select jsonb_object_keys(p_before)
      ) as known (name)
      where (p_now ->> name) is distinct from (p_before ->> name)
      limit 200
    ) as each
    group by each.event_type
    order by each.event_type
  loop
    perform triaged.record_audit(
      v_kind.event_type,
      jsonb_build_object('process', p_process, 'host', left(p_host, 255), 'changed', v_kind.changed)
    );
    v_written := v_written + 1;
  end loop;

  return v_written;
end;
$$;

-- The keys by their names, without what is not to be kept.
create or replace function triaged.known_keys(p_keys jsonb)
returns jsonb
language sql
immutable
as $$
  select coalesce(
    jsonb_object_agg(
      left(each.value ->> 'name', 100),
      jsonb_build_object(
        'role', left(each.value ->> 'role', 20),
        'requests_per_minute', left(each.value ->> 'requests_per_minute', 20),
        -- Some letters of the hash of 32 random bytes tell nothing of them.
        'mark', left(each.value ->> 'mark', 8)
      )
    ),
    '{}'
  )
  from jsonb_array_elements(p_keys) as each (value)
  where each.value ->> 'name' is not null;
$$;

-- One row for each key that came, went or is another one, 100 at most. Returns how many.
create or replace function triaged.record_keys(p_before jsonb, p_now jsonb)
returns integer
language plpgsql
as $$
declare
  c_rows_max constant integer := 100;
  v_one record;
  v_written integer := 0;
begin
  for v_one in
    select
      name,
      p_now -> name as value,
      p_before -> name as previous,
      case
        when p_before -> name is null then 'key.created'
        when p_now -> name is null then 'key.revoked'
        when (p_now -> name) - 'requests_per_minute' <> (p_before -> name) - 'requests_per_minute'
          then 'key.changed'
        else 'limit.changed'
      end as event_type
    from (
      select jsonb_object_keys(p_now)
      union
      select jsonb_object_keys(p_before)
    ) as known (name)
    where (p_now -> name) is distinct from (p_before -> name)
    order by name
    limit c_rows_max
  loop
    perform triaged.record_audit(
      v_one.event_type,
      jsonb_strip_nulls(jsonb_build_object(
        'name', v_one.name,
        'role', coalesce(v_one.value, v_one.previous) ->> 'role',
        'previous_role', case
          when v_one.value ->> 'role' <> v_one.previous ->> 'role' then v_one.previous ->> 'role'
        end,
        'requests_per_minute', v_one.value ->> 'requests_per_minute',
        'previous_requests_per_minute', case
          when v_one.event_type = 'limit.changed' then v_one.previous ->> 'requests_per_minute'
        end,
        'is_another_one', case
          when v_one.value ->> 'mark' <> v_one.previous ->> 'mark' then true
        end
      ))
    );
    v_written := v_written + 1;
  end loop;

  return v_written;
end;
$$;

-- Look at what nobody changes by a function of ours, and write what has changed since the last
-- look: which roles may use the schema, who is a direct member of them, and the timeline of the
-- server, which is another one after a standby was promoted and after a restore from the archive.
-- The first look is compared with nothing. For the jobs and the migrator. Returns how many rows it
-- wrote.
create or replace function triaged.watch_server()
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  c_rows_max constant integer := 100;
  v_roles jsonb;
  v_timeline jsonb;
  v_before jsonb;
  v_one record;
  v_written integer := 0;
begin
  -- Another look is at it: it sees the same.
  if not pg_try_advisory_xact_lock(hashtextextended('triaged.watch_server', 0)) then
    return 0;
  end if;

  select
    coalesce(
      jsonb_agg(distinct jsonb_build_object('role', role.rolname, 'member', member.rolname)), '[]'
    )
  into v_roles
  from pg_class as ours
  join pg_namespace as home on home.oid = ours.relnamespace
  cross join aclexplode(home.nspacl) as granted
  join pg_roles as role on role.oid = granted.grantee
  left join pg_auth_members as membership on membership.roleid = role.oid
  left join pg_roles as member on member.oid = membership.member
  where ours.oid = 'triaged.audit_logs'::regclass and role.oid <> home.nspowner;

  select known into v_before from triaged.audit_known where subject = 'roles';

  if v_before is distinct from v_roles then
    insert into triaged.audit_known as known (subject, known, seen_at)
    values ('roles', v_roles, triaged.now())
    on conflict on constraint audit_known_pkey
    do update set known = excluded.known, seen_at = excluded.seen_at;

    for v_one in
      select
        coalesce(new.value, old.value) as details,
        case when old.value is null then 'role.granted' else 'role.revoked' end as event_type
      from jsonb_array_elements(v_roles) as new (value)
      full join jsonb_array_elements(v_before) as old (value) on old.value = new.value
      where
        v_before is not null and (new.value is null or old.value is null)
        -- A role without any member stands as a row of itself.
        and (
          coalesce(new.value, old.value) ->> 'member' is not null
          or not case when new.value is null then v_roles else v_before end
            @> jsonb_build_array(
              jsonb_build_object('role', coalesce(new.value, old.value) ->> 'role')
            )
        )
      limit c_rows_max
    loop
      perform triaged.record_audit(v_one.event_type, jsonb_strip_nulls(v_one.details));
      v_written := v_written + 1;
    end loop;
  end if;

  if not pg_is_in_recovery() then
    v_timeline := to_jsonb(left(pg_walfile_name(pg_current_wal_lsn()), 8));
    select known into v_before from triaged.audit_known where subject = 'server';

    if v_before is distinct from v_timeline then
      insert into triaged.audit_known as known (subject, known, seen_at)
      values ('server', v_timeline, triaged.now())
      on conflict on constraint audit_known_pkey
      do update set known = excluded.known, seen_at = excluded.seen_at;

      if v_before is not null then
        perform triaged.record_audit(
          'server.timeline_changed',
          jsonb_build_object('timeline', v_timeline, 'previous', v_before)
        );
        v_written := v_written + 1;
      end if;
    end if;
  end if;

  return v_written;
end;
$$;
