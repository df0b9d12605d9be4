-- The attempts that a worker holds and that somebody wants cancelled.
create or replace function triaged.cancel_requests(worker_id bigint)
returns jsonb
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('task_id', task.task_id::text, 'attempt', task.attempt_count)
    ),
    '[]'
  )
  from triaged.live_tasks as task
  where
    task.worker_id = cancel_requests.worker_id
    and task.status = 'started'
    and task.cancel_requested_at is not null;
$$;
