-- enqueue_task for callers whose priority is text already: one row, and one function less.
create or replace function triaged.enqueue_plain_task(
  task_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority text default null,
  run_at timestamptz default null,
  max_attempts integer default null,
  dedupe_key text default null,
  dedupe_mode text default 'keep',
  dedupe_for interval default null,
  parent_task_id bigint default null,
  metadata jsonb default '{}',
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_added record;
begin
  v_added := triaged.add_task(
    enqueue_plain_task.task_type, enqueue_plain_task.payload, enqueue_plain_task.queue,
    enqueue_plain_task.priority, enqueue_plain_task.run_at, enqueue_plain_task.max_attempts,
    enqueue_plain_task.dedupe_key, enqueue_plain_task.dedupe_mode,
    enqueue_plain_task.dedupe_for, enqueue_plain_task.parent_task_id,
    enqueue_plain_task.metadata, p_by => ''
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
end;
$$;
