-- failed, cancelled -> queued, due at once: the task gets its whole budget again, and
-- attempt_count goes on growing. Raises TR001 for an unknown task, and TR002 for one that
-- is live, that finished, or whose dedupe key another task holds by now.
create or replace function triaged.retry_task(task_id bigint)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  perform triaged.retry_task_as(retry_task.task_id);
  perform triaged.wake_workers();
end;
$$;

-- The same for an operation on many tasks, whose actor history names; else it is an operation by
-- itself.
create or replace function triaged.retry_task_as(
  p_task_id bigint,
  p_operation_id bigint default null
)
returns void
language plpgsql
-- For the delete: planned with its time, it locks one partition and not all.
set plan_cache_mode to force_custom_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  v_task triaged.final_tasks;
  v_ended_at timestamptz;
  v_holder bigint;
  v_actor text := coalesce(triaged.actor_of(p_operation_id), '');
begin
  -- Only reads: while merge_partitions compares a partition with its copy, no delete gets in.
  select ended.ended_at into v_ended_at
  from triaged.final_tasks as ended
  where ended.task_id = p_task_id;

  perform triaged.note_event('retry', v_actor);

  delete from triaged.final_tasks
  where
    task_id = p_task_id
    and ended_at = v_ended_at
    and status in ('failed', 'cancelled')
  returning * into v_task;

  if not found then
    perform triaged.raise_not_possible(p_task_id, 'retried');
  end if;

  if v_task.dedupe_key is not null then
    v_holder := triaged.take_dedupe_key(v_task.dedupe_key, v_task.task_id, null);

    if v_holder <> v_task.task_id then
      if exists (select from triaged.live_tasks as live where live.task_id = v_holder) then
        raise exception 'task % cannot be retried: task % holds its dedupe key',
          v_task.task_id, v_holder
          using errcode = 'TR002', hint = 'Wait for that task to end, or cancel it.';
      end if;

      -- All that is left is the window of a task that ended; this task is live, and holds the key
      -- longer.
      update triaged.dedupe_keys
      set task_id = v_task.task_id
      where dedupe_key = v_task.dedupe_key;
    end if;
  end if;

  perform triaged.note_event('retry', v_actor, triaged.operation_details(
    coalesce(p_operation_id, triaged.record_operation('retry', v_task.task_id)),
    v_task.task_id, v_task.attempt_count
  ));

  -- But for columns that are generated.
  insert into triaged.live_tasks (
    task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
    max_attempts, rescue_count, error, dedupe_key, parent_task_id, root_task_id, metadata,
    created_at, given_id
  )
  overriding system value
  values (
    v_task.task_id, v_task.task_type, v_task.queue, v_task.payload, v_task.priority, 'queued',
    v_now, v_task.attempt_count, 0, v_task.max_attempts, 0, v_task.error, v_task.dedupe_key,
    v_task.parent_task_id, v_task.root_task_id, v_task.metadata, v_task.created_at,
    v_task.given_id
  );
end;
$$;
