-- A task as it was at an instant: its status, attempt and holder, who moved it there and when, from
-- the newest row of history that is not later. No row where there was no such task yet, or where
-- its history was dropped. What history does not record (payload, priority, queue) is not told.
create or replace function triaged.task_at(task_id bigint, at timestamptz)
returns table (
  task_type text,
  status text,
  attempt_count integer,
  failed_attempts integer,
  worker_id bigint,
  since timestamptz,
  event text,
  actor text,
  error text,
  detail jsonb,
  history_id bigint
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    recorded.task_type,
    recorded.status,
    recorded.attempt_count,
    (
      select count(*)::integer
      from triaged.task_history as attempt
      where
        attempt.task_id = task_at.task_id
        and attempt.at <= task_at.at
        and attempt.history_id <= recorded.history_id
        and triaged.is_failure(attempt.event, attempt.status)
    ),
    case when recorded.status = 'started' then recorded.worker_id end,
    recorded.at,
    recorded.event,
    recorded.actor,
    recorded.error,
    recorded.detail,
    recorded.history_id
  from triaged.task_history as recorded
  where recorded.task_id = task_at.task_id and recorded.at <= task_at.at
  order by recorded.history_id desc
  limit 1;
end;
$$;
