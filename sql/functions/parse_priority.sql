-- 0 to 3 for '0' to '3' and for the words critical, high, medium, low; 2 for null.
create or replace function triaged.parse_priority(p_priority text)
returns smallint
language plpgsql
immutable
as $$
declare
  v_priority smallint := case coalesce(p_priority, 'medium')
    when '0' then 0 when 'critical' then 0
    when '1' then 1 when 'high' then 1
    when '2' then 2 when 'medium' then 2
    when '3' then 3 when 'low' then 3
  end;
begin
  if v_priority is null then
    raise exception 'expected priority to be 0 to 3 or critical, high, medium, low, got %',
      p_priority
      using errcode = '22023', hint = 'The lower the number, the earlier; leave it out for medium.';
  end if;

  return v_priority;
end;
$$;
