-- -> queued. Enqueue what somebody stated of a task, an object whose keys are columns of the view
-- tasks. With given_id, an id of the producer's own, the task is found by it for as long as its
-- row is kept, and given again it is a duplicate, also after the task has ended. created_at may
-- lie in the past. A column that the queue sets itself is refused: none is silently dropped.
create or replace function triaged.enqueue_row(
  task jsonb,
  out task_id bigint,
  out outcome text
)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_row triaged.live_tasks := triaged.read_row(enqueue_row.task);
  v_stated text;
  v_added record;
begin
  if v_row.status <> 'queued' then
    raise exception 'expected the status of a task that is enqueued to be queued, got %',
      v_row.status
      using errcode = '22023';
  end if;

  select key into v_stated
  from jsonb_each_text(enqueue_row.task) as stated
  where
    stated.key in (
      'attempt_count', 'failure_count', 'rescue_count', 'worker_id', 'worker_name',
      'cancel_requested_at', 'progress_pct', 'current_step', 'result', 'error',
      'decision_prompt', 'decision', 'root_task_id', 'started_at', 'ended_at'
    )
    and stated.value is not null
    and not (stated.key like '%_count' and stated.value = '0')
  order by stated.key
  limit 1;

  if found then
    raise exception 'a queued task has no % yet: the queue sets it', v_stated
      using
        errcode = '22023',
        hint = 'Leave it out; a task that has ended is imported with its final status.';
  end if;

  if v_row.given_id <> v_row.dedupe_key then
    raise exception 'the dedupe key of a task that was given an id is that id'
      using errcode = '22023', hint = 'Leave dedupe_key out.';
  end if;

  if not v_row.created_at between '0001-01-01 00:00+00' and triaged.now() then
    raise exception 'expected created_at to be a time in the past, got %', v_row.created_at
      using errcode = '22023', hint = 'Leave it out for now.';
  end if;

  v_added := triaged.add_task(
    v_row.task_type, v_row.payload, v_row.queue, v_row.priority::text, v_row.run_at,
    v_row.max_attempts, v_row.dedupe_key, 'keep', null, v_row.parent_task_id, v_row.metadata,
    p_by => '', p_given_id => v_row.given_id, p_created_at => v_row.created_at
  );

  task_id := v_added.task_id;
  outcome := v_added.outcome;
end;
$$;
