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
