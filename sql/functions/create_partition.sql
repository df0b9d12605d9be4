-- Make the partition of a table for one day of UTC. False where the day has one, alone or with
-- other days, and where it must wait: rows of that day lie in the default partition, more than can
-- be moved in a moment, or such that subscribers would lose by the move. While the day lasts they
-- stay there; merge_partitions moves them later, without deleting them. Few rows are moved at once.
-- Waits for each lock half a second at most, and raises 55P03.
--
-- Whoever writes chooses a partition first and then waits for its lock. A writer that chose the
-- default one, and waits while a partition for its row comes, is refused with 23514. So the
-- writers of a day that may have some are made to wait before they choose.
create or replace function triaged.create_partition(p_parent text, p_day date)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set datestyle to 'ISO, MDY'
set timezone to 'UTC'
set lock_timeout to '500ms'
-- So that a constraint spares the look into the default partition, as create_days_ahead has one.
set constraint_exclusion to on
-- Rows that row security hides would be left out; so it is an error.
set row_security to off
as $$
declare
  -- What is moved under the lock: some 50 ms.
  c_rows_max constant integer := 10000;
  v_now timestamptz := triaged.now();
  v_key text := triaged.partition_key(p_parent);
  v_name text := p_parent || to_char(p_day, '_YYYYMMDD');
  v_from timestamptz := p_day::timestamp at time zone 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp at time zone 'UTC';
  v_stray text := format('from triaged.%I where %I >= %L and %I < %L',
    p_parent || '_default', v_key, v_from, v_key, v_to);
  v_stray_count integer;
begin
  -- Two callers take turns: the second one finds what the first has made.
  perform triaged.take_lock('partition');

  if
    exists (
      select from triaged.partitions as known
      where known.table_name = p_parent and known.starts_at < v_to and known.ends_at > v_from
    )
    -- merge_partitions is at work on it.
    or exists (
      select from pg_inherits
      where
        inhparent = to_regclass(format('triaged.%I', p_parent || '_rewrite'))
        and inhrelid = to_regclass(format('triaged.%I', v_name))
    )
  then
    return false;
  end if;

  execute format('select count(*) from (select %s limit %s) as stray', v_stray, c_rows_max + 1)
  into v_stray_count;

  if v_stray_count > c_rows_max or (v_stray_count > 0 and triaged.publishes_deletes(p_parent)) then
    return false;
  end if;

  -- Transactions of an hour are allowed for; one that lasted longer gets its 23514.
  if
    v_stray_count > 0
    or (v_from < v_now + interval '1 minute' and v_to > v_now - interval '1 hour')
  then
    execute format('lock table only triaged.%I in share row exclusive mode', p_parent);
  end if;

  execute format(
    'create table triaged.%I (like triaged.%I including defaults including constraints)',
    v_name, p_parent
  );
  perform triaged.close_table(v_name);

  -- Rows of history have no key, and partitions do not inherit what stands for one.
  if p_parent = 'task_history' then
    execute format('alter table triaged.%I replica identity full', v_name);
  end if;

  -- Nothing is deleted where nothing has to move.
  if v_stray_count > 0 then
    execute format(
      'with moved as (delete %s returning *) insert into triaged.%I select * from moved',
      v_stray, v_name
    );
  end if;

  execute format('alter table triaged.%I attach partition triaged.%I for values from (%L) to (%L)',
    p_parent, v_name, v_from, v_to);

  return true;
exception
  -- Deletes are published, and so refused: of a table without replica identity, or where that
  -- does not cover the filter of a publication. The name of the first is that of its class as
  -- well.
  when object_not_in_prerequisite_state or invalid_column_reference then
    if sqlstate not in ('55000', '42P10') or v_stray_count = 0 then
      raise;
    end if;

    return false;
end;
$$;
