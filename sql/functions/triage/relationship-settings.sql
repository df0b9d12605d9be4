-- What a file of relationships says beside the relationships.

-- Save the settings that a file of relationships has beside the relationships, and replace earlier
-- ones: `notifications`, which decides how verdicts are told from there on, or `file`, its top.
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
    perform triaged.record_operation(
      'save_relationship_settings',
      p_target => jsonb_build_object('name', save_relationship_settings.name),
      p_change => jsonb_build_object('outcome', 'created')
    );

    return 'created';
  end if;

  update triaged.relationship_settings as known
  set settings = save_relationship_settings.settings, updated_at = triaged.now()
  where
    known.name = save_relationship_settings.name
    and known.settings is distinct from save_relationship_settings.settings;

  if not found then
    return 'unchanged';
  end if;

  perform triaged.record_operation(
    'save_relationship_settings',
    p_target => jsonb_build_object('name', save_relationship_settings.name),
    p_change => jsonb_build_object('outcome', 'changed')
  );

  return 'changed';
end;
$$;

-- Raise an error for notification settings that cannot be saved. Keys that nothing reads are kept;
-- keys that begin with "_" are comments, wherever names are given.
create or replace function triaged.check_notification_settings(p_settings jsonb)
returns void
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
declare
  v_urgency text;
  v_threshold jsonb;
  v_thresholds jsonb := coalesce(
    nullif(p_settings -> 'default_urgency_thresholds', 'null'), '{}'
  );
  v_schedule jsonb := coalesce(nullif(p_settings -> 'digest_schedule', 'null'), '"weekly"');
begin
  if jsonb_typeof(v_thresholds) <> 'object' then
    raise exception 'expected default_urgency_thresholds to be an object, got %',
      left(v_thresholds::text, 80)
      using errcode = '22023';
  end if;

  for v_urgency, v_threshold in
    select key, value from jsonb_each(v_thresholds) where left(key, 1) <> '_'
  loop
    if v_urgency not in ('critical', 'high', 'medium', 'low') then
      raise exception 'unknown urgency % in default_urgency_thresholds',
        to_json(left(v_urgency, 80))
        using errcode = '22023', hint = 'Known are critical, high, medium, low.';
    elsif jsonb_typeof(v_threshold) not in ('object', 'null') then
      raise exception 'expected default_urgency_thresholds.% to be an object, got %', v_urgency,
        left(v_threshold::text, 80)
        using errcode = '22023';
    elsif coalesce(nullif(v_threshold -> 'action', 'null'), '"create_issue"') not in (
      '"create_issue_immediately"', '"create_issue"', '"add_to_digest"'
    ) then
      raise exception 'unknown action % for urgency %', left((v_threshold -> 'action')::text, 80),
        v_urgency
        using
          errcode = '22023',
          hint = 'Known are create_issue_immediately, create_issue, add_to_digest.';
    elsif jsonb_typeof(coalesce(nullif(v_threshold -> 'notify_webhook', 'null'), 'true'))
      <> 'boolean'
    then
      raise exception 'expected notify_webhook for urgency % to be true or false, got %',
        v_urgency, left((v_threshold -> 'notify_webhook')::text, 80)
        using errcode = '22023';
    end if;

    perform triaged.check_labels(
      v_urgency, coalesce(nullif(v_threshold -> 'labels', 'null'), '[]')
    );
  end loop;

  if v_schedule not in ('"daily"', '"weekly"', '"monthly"')
    and not (jsonb_typeof(v_schedule) = 'string' and triaged.is_cron_line(v_schedule #>> '{}'))
  then
    raise exception 'unknown digest_schedule %', left(v_schedule::text, 80)
      using
        errcode = '22023',
        hint = 'daily, weekly, monthly, or the five fields of a crontab, such as "0 8 * * 1".';
  end if;
end;
$$;

-- Raise an error for the labels of an urgency that exceed the limits of GitHub, or of an effect.
create or replace function triaged.check_labels(p_urgency text, p_labels jsonb)
returns void
language plpgsql
immutable
set search_path to pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_labels) <> 'array'
    or jsonb_array_length(p_labels) > 10
    or exists (
      select
      from jsonb_array_elements(p_labels) as given (label)
      where
        jsonb_typeof(label) <> 'string'
        or length(label #>> '{}') not between 1 and 50
        or label #>> '{}' ~ '[,[:cntrl:]]'
    )
  then
    raise exception 'expected labels for urgency % to be a list of texts, got %', p_urgency,
      left(p_labels::text, 80)
      using
        errcode = '22023',
        hint = 'At most 10, of 1 to 50 characters each, without commas.';
  end if;
end;
$$;

-- Whether these are the five fields of a crontab as graphile-worker reads them: numbers, ranges
-- and "*", which may have a step, in lists.
create or replace function triaged.is_cron_line(p_line text)
returns boolean
language sql
immutable
set search_path to pg_catalog, pg_temp
as $$
  select case
    when p_line !~ '^ *[0-9*/,-]+( +[0-9*/,-]+){4} *$' or length(p_line) > 200 then false
    else (
      select
        count(distinct place) = 5
        and bool_and(
          case
            when part ~ '^[*]$' then true
            when part ~ '^[*]/[0-9]{1,2}$' then split_part(part, '/', 2)::integer > 0
            when part ~ '^[0-9]{1,2}$' then part::integer between lowest and highest
            when part ~ '^[0-9]{1,2}-[0-9]{1,2}$' then
              split_part(part, '-', 1)::integer >= lowest
              and split_part(part, '-', 2)::integer > split_part(part, '-', 1)::integer
              and split_part(part, '-', 2)::integer <= highest
            else false
          end
        )
      from regexp_split_to_table(btrim(p_line), ' +') with ordinality as fields (field, place)
      join (values (1, 0, 59), (2, 0, 23), (3, 1, 31), (4, 1, 12), (5, 0, 7))
        as limits (place, lowest, highest) using (place)
      cross join lateral regexp_split_to_table(field, ',') as parts (part)
    )
  end;
$$;
