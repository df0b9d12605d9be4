-- Change a setting of the queue, within its bounds; who did is recorded. Returns 'changed' or
-- 'unchanged'; with only_default, 'kept' where somebody has changed it before.
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
  -- The order of locks does not matter: it is the only one. The second of two sees the first.
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

  return 'changed';
exception
  when check_violation or not_null_violation then
    raise exception 'setting % takes 0 to 36500 days, got %', save_setting.name,
        coalesce(left(save_setting.value, 100), 'null')
      using errcode = '22023', hint = '0 keeps for ever';
end;
$$;
