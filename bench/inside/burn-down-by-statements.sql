-- What `triaged work` has the server do, as plain statements in one session: no function, no
-- trigger, no client. The rows that are written are the same, and so are the sizes of the
-- transactions. Commits by itself, so call it outside of one.
create procedure triaged.burn_down_by_statements(p_worker_id bigint, p_batch integer)
language plpgsql
as $$
declare
  v_now timestamptz;
  v_task_ids bigint[];
  -- The place that the claims have come to, as a worker remembers it for its lane.
  v_run_at timestamptz := '-infinity';
  v_task_id bigint := 0;
begin
  loop
    v_now := pg_catalog.now();

    with claimed as (
      update triaged.live_tasks as task
      set
        status = 'started',
        attempt_count = task.attempt_count + 1,
        worker_id = p_worker_id,
        started_at = v_now,
        progress_pct = null,
        current_step = null,
        runs_long = false
      where task.task_id = any (array(
        select ready.task_id
        from triaged.live_tasks as ready
        where
          ready.in_lane
          and ready.status = 'queued'
          and ready.queue = 'default'
          and ready.task_type = 'noop'
          and ready.priority = 2
          and ready.run_at <= v_now
          and (ready.run_at, ready.task_id) > (v_run_at, v_task_id)
        order by ready.run_at, ready.task_id
        limit p_batch
        for update skip locked
      ))
      returning task.*
    ),
    told as (
      insert into triaged.task_history (
        task_id, task_type, at, event, status, attempt_count, worker_id, actor, wait_ms
      )
      select
        task_id, task_type, v_now, 'claim', status, attempt_count, worker_id, 'worker',
        floor(extract(epoch from v_now - run_at) * 1000)::bigint
      from claimed
    ),
    noted as (
      insert into triaged.claims (worker_id, claimed_at, task_ids)
      select worker_id, v_now, array_agg(task_id)
      from claimed
      group by worker_id
    )
    select array_agg(task_id), max(run_at), max(task_id)
    into v_task_ids, v_run_at, v_task_id
    from claimed;

    exit when v_task_ids is null;
    commit;

    v_now := pg_catalog.now();

    with ended as (
      delete from triaged.live_tasks as task
      where task.task_id = any (v_task_ids) and task.status = 'started'
      returning task.*
    ),
    kept as (
      insert into triaged.final_tasks (
        task_id, task_type, queue, payload, priority, status, run_at, attempt_count,
        failure_count, max_attempts, rescue_count, worker_id, cancel_requested_at,
        progress_pct, current_step, result, error, decision_prompt, decision, dedupe_key,
        parent_task_id, root_task_id, metadata, created_at, started_at, ended_at
      )
      select
        task_id, task_type, queue, payload, priority, 'finished', run_at, attempt_count,
        failure_count, max_attempts, rescue_count, worker_id, cancel_requested_at,
        progress_pct, current_step, null, null, decision_prompt, decision, dedupe_key,
        parent_task_id, root_task_id, metadata, created_at, started_at, v_now
      from ended
      returning *
    )
    insert into triaged.task_history (
      task_id, task_type, at, event, status, attempt_count, worker_id, actor, duration_ms
    )
    select
      task_id, task_type, v_now, 'finish', status, attempt_count, worker_id, 'worker',
      floor(extract(epoch from ended_at - started_at) * 1000)::bigint
    from kept;

    commit;
  end loop;
end;
$$;
