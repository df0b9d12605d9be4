-- The limit of a payload or metadata of so many bytes: triaged.max_payload_bytes, or 1 MiB. A
-- session may lower it. Only a role that owns the queue may raise it for itself; what others have
-- is what `alter database … set` or `alter role … set` says, which takes a superuser, and of which
-- the catalog tells.
--
-- A small one passes without a look into the catalog, by the setting of the session alone.
create or replace function triaged.payload_limit(p_bytes integer)
returns integer
language plpgsql
stable
as $$
declare
  v_default constant integer := 1048576;
  v_small constant integer := 8192;
  v_given text := current_setting('triaged.max_payload_bytes', true);
  v_limit integer := v_default;
  v_ours integer;
begin
  if v_given <> '' then
    if v_given !~ '^[0-9]{1,9}$' then
      raise exception 'expected triaged.max_payload_bytes to be a number of bytes, got %',
        to_json(left(v_given, 80))
        using errcode = '22023', hint = 'reset triaged.max_payload_bytes';
    end if;

    v_limit := v_given::integer;
  end if;

  if p_bytes <= least(v_limit, v_small) or triaged.may_stop_clock() then
    return v_limit;
  end if;

  select split_part(setting, '=', 2)::integer into v_ours
  from pg_db_role_setting as kept
  cross join unnest(kept.setconfig) as setting
  where
    kept.setrole in (0, (select oid from pg_roles where rolname = session_user))
    and kept.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and setting ~ '^triaged.max_payload_bytes=[0-9]{1,9}$'
  -- As a session gets them: that of the login first, and of those that of the database.
  order by kept.setrole <> 0 desc, kept.setdatabase <> 0 desc
  limit 1;

  return least(v_limit, coalesce(v_ours, v_default));
end;
$$;
