-- -> finished, failed, cancelled. Take over a task that has ended elsewhere, as it is: it never
-- runs, unless somebody retries it. task is an object whose keys are columns of the view tasks,
-- and worker_name. Its times are those that are given; history has the import, at the time of the
-- import. Returns its number, or that of the task that was given the same id before.
--
-- Retention counts from ended_at: a task that ended longer ago than it keeps goes with the next
-- run. Granted to owners: whoever may call it writes the audit's past.
create or replace function triaged.import_task(
  task jsonb,
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_row triaged.live_tasks := triaged.read_row(import_task.task);
  v_in_default boolean;
begin
  if v_row.given_id <> v_row.dedupe_key then
    raise exception 'the dedupe key of a task that was given an id is that id'
      using errcode = '22023', hint = 'Leave dedupe_key out.';
  end if;

  v_row.dedupe_key := coalesce(v_row.given_id, v_row.dedupe_key);
  v_row.ended_at := coalesce(v_row.ended_at, triaged.now());
  v_row.created_at := coalesce(v_row.created_at, v_row.started_at, v_row.ended_at);
  v_row.run_at := coalesce(v_row.run_at, v_row.created_at);
  v_row.max_attempts := coalesce(v_row.max_attempts, 3);
  v_row.attempt_count := coalesce(v_row.attempt_count, 0);
  v_row.failure_count := coalesce(v_row.failure_count, 0);
  v_row.rescue_count := coalesce(v_row.rescue_count, 0);
  perform triaged.check_import(v_row);

  if v_row.parent_task_id is not null then
    v_row.root_task_id := triaged.root_of(v_row.parent_task_id);
  end if;

  v_row.task_id := nextval('triaged.live_tasks_task_id_seq');
  task_id := v_row.task_id;
  outcome := 'created';

  if v_row.given_id is not null then
    task_id := triaged.take_given_id(v_row.given_id, v_row.task_id);

    if task_id <> v_row.task_id then
      outcome := 'duplicate';
      return;
    end if;
  end if;

  if import_task.task ->> 'worker_name' is not null then
    v_row.worker_id := triaged.worker_of_import(import_task.task ->> 'worker_name');
  end if;

  perform triaged.note_event('import');

  insert into triaged.final_tasks
  select v_row.*
  returning tableoid = 'triaged.final_tasks_default'::regclass into v_in_default;

  if v_in_default then
    perform triaged.note_import_horizon(v_row.ended_at);
  end if;
end;
$$;
