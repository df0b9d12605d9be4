-- What a compat worker says of the task that get_next_task gave it: finished -> finish,
-- failed -> fail (and again while failures are left), queued -> release, cancelled ->
-- cancel, started -> the lease is renewed. Raises TR001 for an unknown task, and TR002
-- for one that is not started or that a native worker holds.
--
-- Without attempt_count_param it cannot tell two compat workers apart that hold the same
-- task one after the other, the first presumed dead: the late result of the first is
-- then taken for that of the second.
create or replace function triaged.update_task_status(
  task_id_param bigint,
  status_param varchar,
  result_param jsonb default null,
  error_param text default null,
  attempt_count_param integer default null
)
returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_attempt integer;
  v_worker_id bigint;
  v_outcome text := case status_param
    when 'finished' then 'finish'
    when 'failed' then 'retry'
    when 'queued' then 'release'
    when 'started' then 'renew'
    when 'cancelled' then 'cancel'
  end;
begin
  if v_outcome is null then
    raise exception 'unknown status %', coalesce(status_param, 'null')
      using
        errcode = '22023',
        hint = 'Known are finished, failed, queued, cancelled, started.';
  end if;

  if v_outcome = 'cancel' then
    perform triaged.cancel_task(task_id_param);
  end if;

  -- Lock order: worker before task, as in a rescue.
  select task.attempt_count, worker.worker_id into v_attempt, v_worker_id
  from triaged.live_tasks as task
  join triaged.workers as worker using (worker_id)
  where
    task.task_id = task_id_param
    and task.status = 'started'
    and worker.kind = 'compat'
    and worker.ended_at is null
    and task.attempt_count = coalesce(attempt_count_param, task.attempt_count)
  for key share of worker;

  if not found then
    -- A waiting task is cancelled by now.
    if v_outcome = 'cancel' then
      return;
    end if;

    perform triaged.raise_not_possible(task_id_param, 'updated by this worker');
  end if;

  update triaged.workers set heartbeat_at = triaged.now() where worker_id = v_worker_id;

  if v_outcome <> 'renew' then
    perform triaged.settle_tasks(jsonb_build_array(jsonb_build_object(
      'task_id', task_id_param,
      'attempt', v_attempt,
      'outcome', case v_outcome when 'cancel' then 'cancelled' else v_outcome end,
      'result', result_param,
      'error', coalesce(error_param, case v_outcome when 'cancel' then 'Cancelled by user' end)
    )));

    -- Settled in between, by a call that said something else.
    if not found then
      perform triaged.raise_not_possible(task_id_param, 'updated by this worker');
    end if;
  end if;
end;
$$;
