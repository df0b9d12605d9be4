-- Raise what is wrong with the labels that issues of an urgency get, within the limits of GitHub
-- and of what an effect holds.
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
