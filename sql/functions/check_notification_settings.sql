-- Raise what is wrong with notification settings that somebody wants to save. Keys that nothing
-- reads are kept; those that begin with "_" are comments, wherever names are given.
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
