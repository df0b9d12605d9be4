-- Settings of the queue.

-- Change a setting of the queue within its bounds; its actor is recorded. Returns 'changed' or
-- 'unchanged', and with only_default 'kept' where the setting was changed before.
create or replace function triaged.save_setting(
  name text,
  value text,
  only_default boolean default false
)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_known triaged.queue_settings;
begin
  select * into v_known
  from triaged.queue_settings as known
  where known.name = save_setting.name
  -- Lock order: the only lock here. The second of two callers sees the change of the first.
  for update;

  if not found then
    raise exception 'there is no setting %', coalesce(save_setting.name, 'null')
      using
        errcode = '22023',
        hint = 'select name, value from triaged.queue_settings; or triaged settings';
  end if;

  if v_known.value = save_setting.value then
    return 'unchanged';
  elsif save_setting.only_default and v_known.changed_at is not null then
    return 'kept';
  end if;

  update triaged.queue_settings as known
  set value = save_setting.value
  where known.name = save_setting.name;

  -- What a process adopts from its environment is no action of a person.
  if not save_setting.only_default then
    perform triaged.record_operation(
      'save_setting',
      p_target => jsonb_build_object('setting', save_setting.name),
      p_change => jsonb_build_object('value', save_setting.value, 'previous', v_known.value)
    );
  end if;

  return 'changed';
exception
  when check_violation or not_null_violation then
    raise exception 'setting % takes 0 to 36500 days, got %', save_setting.name,
        coalesce(left(save_setting.value, 100), 'null')
      using errcode = '22023', hint = '0 keeps for ever';
end;
$$;

-- Trigger: record who changed a setting, there and in the audit log. An inserted row replaces the
-- row of its name and keeps its own record, as when a restore inserts data.
create or replace function triaged.record_setting()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  -- A trigger on another table could delete settings.
  if tg_relid <> 'triaged.queue_settings'::regclass then
    raise exception 'record_setting() does not serve %', tg_relid::regclass
      using errcode = '42501';
  end if;

  if tg_op = 'INSERT' then
    delete from triaged.queue_settings where name = new.name;
  elsif new.value <> old.value then
    new.changed_at := triaged.now();
    new.changed_by := triaged.current_actor();
    new.changed_login := session_user;
    new.previous_value := old.value;
    perform triaged.record_audit(
      'setting.changed',
      jsonb_build_object('setting', new.name, 'value', new.value, 'previous', old.value)
    );
  end if;

  return new;
end;
$$;
