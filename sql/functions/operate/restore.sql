-- Databases that were restored from a dump.

-- Whether this session restores a dump. Every dump of pg_dump begins with these two settings, which
-- nobody has who works by hand. Restored rows bring their history along, and nothing new happens to
-- their tasks. Only the owner of the tables can write to them at all, and verify names a task that
-- came without its history. Every name has its schema, as in current_event.
create or replace function triaged.is_restoring()
returns boolean
language sql
stable
as $$
  select
    pg_catalog.current_setting('check_function_bodies') operator(pg_catalog.=) 'off'
    and pg_catalog.current_setting('row_security') operator(pg_catalog.=) 'off';
$$;

-- Trigger: a restored row of the audit log keeps its id where that is free, else it gets the next
-- one that is: a queue that was just made has rows of its migrations. A dump has its rows in their
-- order, so that they keep it.
create or replace function triaged.place_restored_audit()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  while exists (select from triaged.audit_logs where audit_id = new.audit_id) loop
    new.audit_id := nextval(pg_get_serial_sequence('triaged.audit_logs', 'audit_id'));
  end loop;

  return new;
end;
$$;

-- Trigger: a restored look at roles, keys or settings replaces that of the new queue; the next look
-- tells what differs.
create or replace function triaged.replace_known_audit()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  delete from triaged.audit_known where subject = new.subject;

  return new;
end;
$$;

-- Move the sequences of ids past the rows that exist, so that no id is given twice: rows may have
-- been copied without their sequences, by a dump of some tables or by replication. Returns each
-- sequence that was behind, with the newest id of its table. For the owner, after a restore.
create or replace function triaged.mend_sequences()
returns table (id_column text, newest_id bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  -- The history of so many newest tasks is checked for ids beyond the sequence. The greatest id of
  -- all would need a read of all rows, since history has no index by it.
  c_tasks_seen constant integer := 1000;
  v_task_id bigint := (
    select max(newest)
    from (
      select max(task_id) from triaged.live_tasks
      union all
      select max(task_id) from triaged.final_tasks
      union all
      select max(task_id) from triaged.task_history
      union all
      select max(task_id) from triaged.effects
    ) as each_table (newest)
  );
  v_history_id bigint := (
    select max(history_id)
    from triaged.task_history
    where task_id > v_task_id - c_tasks_seen and task_id <= v_task_id
  );
begin
  if
    v_history_id > coalesce(
      pg_sequence_last_value(pg_get_serial_sequence('triaged.task_history', 'history_id')), 0
    )
  then
    select max(history_id) into v_history_id from triaged.task_history;
  end if;

  return query
  with behind as (
    select
      format('%s.%s', ours.table_name, ours.column_name) as id_column,
      pg_get_serial_sequence('triaged.' || ours.table_name, ours.column_name) as sequence_name,
      ours.newest
    from (
      values
        ('live_tasks', 'task_id', v_task_id),
        ('task_history', 'history_id', v_history_id),
        (
          'workers', 'worker_id', greatest(
            (select max(worker_id) from triaged.workers),
            (select max(worker_id) from triaged.live_tasks),
            (select max(worker_id) from triaged.claims)
          )
        ),
        ('claims', 'claim_id', (select max(claim_id) from triaged.claims)),
        ('effects', 'effect_id', (select max(effect_id) from triaged.effects)),
        ('verify_runs', 'run_id', (select max(run_id) from triaged.verify_runs)),
        ('operations', 'operation_id', (select max(operation_id) from triaged.operations)),
        ('audit_logs', 'audit_id', (select max(audit_id) from triaged.audit_logs)),
        ('triage_results_cache', 'id', (select max(id) from triaged.triage_results_cache)),
        ('repositories', 'id', (select max(id) from triaged.repositories)),
        (
          'dependency_relationships', 'id', (select max(id) from triaged.dependency_relationships)
        )
    ) as ours (table_name, column_name, newest)
  )
  select behind.id_column, setval(behind.sequence_name, behind.newest)
  from behind
  where behind.newest > coalesce(pg_sequence_last_value(behind.sequence_name), 0);
end;
$$;
