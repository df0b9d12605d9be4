-- Save what a file of relationships says beside the relationships, in the place of what was there:
-- notifications, which decides what becomes of the verdicts from there on, or file, its top.
-- Returns created, changed or unchanged.
create or replace function triaged.save_relationship_settings(name text, settings jsonb)
returns text
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_max_bytes constant integer := 65536;
begin
  if coalesce(save_relationship_settings.name, 'null') not in ('notifications', 'file') then
    raise exception 'expected name to be notifications or file, got %',
      coalesce(to_json(left(save_relationship_settings.name, 80))::text, 'null')
      using errcode = '22023';
  end if;

  if jsonb_typeof(save_relationship_settings.settings) is distinct from 'object' then
    raise exception 'expected settings to be a JSON object, got %',
      coalesce(jsonb_typeof(save_relationship_settings.settings), 'null')
      using errcode = '22023';
  end if;

  if octet_length(save_relationship_settings.settings::text) > v_max_bytes then
    raise exception 'settings has % bytes, more than the limit of %',
      octet_length(save_relationship_settings.settings::text), v_max_bytes
      using errcode = 'TR003', hint = 'Keep what is longer in a file of its own.';
  end if;

  if save_relationship_settings.name = 'notifications' then
    perform triaged.check_notification_settings(save_relationship_settings.settings);
  end if;

  -- As save_relationship does; whoever saves a whole file begins here, and so waits here alone.
  perform triaged.take_lock('relationships');

  insert into triaged.relationship_settings as known (name, settings, updated_at)
  values (
    save_relationship_settings.name, save_relationship_settings.settings, triaged.now()
  )
  on conflict on constraint relationship_settings_pkey do nothing;

  if found then
    return 'created';
  end if;

  update triaged.relationship_settings as known
  set settings = save_relationship_settings.settings, updated_at = triaged.now()
  where
    known.name = save_relationship_settings.name
    and known.settings is distinct from save_relationship_settings.settings;

  return case when found then 'changed' else 'unchanged' end;
end;
$$;
