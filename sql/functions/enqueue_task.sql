-- -> queued. Enqueue a task in the caller's transaction: it exists if and only if
-- that transaction commits. Returns its id and the outcome:
--   created     the task is new
--   duplicate   dedupe_key is held by another task, whose id this is; nothing written
--   replaced    dedupe_mode is 'replace', and the queued task of that id, which holds
--               the key, has the given payload and settings
-- A key is held while its task is live, and with dedupe_for at least for that long. A
-- task that is started is never replaced, lest the newer payload be lost: a new task
-- is created and takes the key over.
--
-- priority is 0 to 3 or a word; run_at defaults to now; max_attempts to what the
-- handler of the task type declared, else 3.
--
-- A priority of any type becomes text here, with the rights of the caller, whose own cast
-- that may be. So this function must never run with the rights of another:
-- enqueue_plain_task does, and takes plain types alone. What both do is add_task, which begins
-- with note_event('enqueue').
create or replace function triaged.enqueue_task(
  task_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority anycompatible default 2,
  run_at timestamptz default null,
  max_attempts integer default null,
  dedupe_key text default null,
  dedupe_mode text default 'keep',
  dedupe_for interval default null,
  parent_task_id bigint default null,
  metadata jsonb default '{}'
)
returns table (task_id bigint, outcome text)
language plpgsql
security invoker
set search_path to pg_catalog, pg_temp
as $$
declare
  v_added record;
begin
  -- Assigned, not selected: an expression is spared the start of a query.
  v_added := triaged.enqueue_plain_task(
    enqueue_task.task_type, enqueue_task.payload, enqueue_task.queue,
    enqueue_task.priority::text, enqueue_task.run_at, enqueue_task.max_attempts,
    enqueue_task.dedupe_key, enqueue_task.dedupe_mode, enqueue_task.dedupe_for,
    enqueue_task.parent_task_id, enqueue_task.metadata
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
  return next;
end;
$$;
