-- Make the partition of one table and one day of UTC. False if it is there. The caller
-- holds the lock of create_partitions. The one place, beside drop_expired_partitions,
-- where SQL is put together.
create or replace function triaged.create_partition(p_parent text, p_day date)
returns boolean
language plpgsql
as $$
declare
  v_name text := p_parent || to_char(p_day, '_YYYYMMDD');
  v_key text := case p_parent when 'task_history' then 'at' else 'ended_at' end;
  v_from timestamptz := p_day::timestamp at time zone 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp at time zone 'UTC';
begin
  if to_regclass(format('triaged.%I', v_name)) is not null then
    return false;
  end if;

  execute format(
    'create table triaged.%I (like triaged.%I including defaults including constraints)',
    v_name, p_parent
  );

  execute format(
    'with moved as (
       delete from triaged.%I where %I >= %L and %I < %L returning *
     )
     insert into triaged.%I select * from moved',
    p_parent || '_default', v_key, v_from, v_key, v_to, v_name);

  execute format('alter table triaged.%I attach partition triaged.%I for values from (%L) to (%L)',
    p_parent, v_name, v_from, v_to);

  return true;
end;
$$;
