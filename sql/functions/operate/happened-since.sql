-- What happened since a time, by rollups and by what history recorded since the last fold: failures
-- by cause, and events by minute.

-- Attempts that failed since a time, and tasks that ended as failed, by type and cause: the rows of
-- the view failures_by_cause. Counted as ended_since counts, by minutes, then by hours.
create or replace function triaged.failures_since(p_since timestamptz)
returns table (
  task_type text,
  cause text,
  count bigint,
  ended bigint,
  last_at timestamptz,
  last_task_id bigint
)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
-- Planned with the id and the time, so that it reads the end of one or two partitions.
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_until timestamptz := triaged.now() + interval '1 hour';
  v_folded_id bigint := coalesce((select folded_id from triaged.rollup_progress), 0);
  v_from timestamptz := date_trunc('minute', p_since, 'UTC') + interval '1 minute';
  v_whole_from timestamptz;
begin
  if v_from < (select since from triaged.rollup_spans() where span = 'minute') then
    v_from := date_trunc('hour', v_from, 'UTC');
  end if;

  v_whole_from := date_trunc('hour', v_from + interval '59 minutes', 'UTC');

  return query
  select
    task_type, cause, sum(count)::bigint, sum(ended)::bigint, max(last_at), max(last_task_id)
  from (
    select task_type, cause, count, ended, last_at, last_task_id
    from triaged.failure_rollups
    where
      (span = 'hour' and starts_at >= v_whole_from and starts_at < v_until)
      or (span = 'minute' and starts_at >= v_from and starts_at < least(v_whole_from, v_until))
    union all
    select
      recorded.task_type, triaged.failure_cause(recorded.event, recorded.detail), 1,
      (recorded.status = 'failed')::integer, recorded.at, recorded.task_id
    from triaged.task_history as recorded
    where
      recorded.history_id > v_folded_id
      and recorded.at >= v_from
      and recorded.at < v_until
      and triaged.is_failure(recorded.event, recorded.status)
  ) as known
  group by task_type, cause;
end;
$$;

-- Rows of history since a time, by minute and event: the rows of the view events_per_minute.
-- Minutes are kept for three days at least.
create or replace function triaged.events_since(p_since timestamptz)
returns table (minute timestamptz, event text, count bigint)
language plpgsql
stable
security definer
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
set enable_seqscan to off
set jit to off
set max_parallel_workers_per_gather to 0
as $$
#variable_conflict use_column
declare
  v_until timestamptz := triaged.now() + interval '1 hour';
  v_folded_id bigint := coalesce((select folded_id from triaged.rollup_progress), 0);
  v_from timestamptz := date_trunc('minute', p_since, 'UTC') + interval '1 minute';
begin
  return query
  select starts_at, event, sum(count)::bigint
  from (
    select starts_at, event, count
    from triaged.event_rollups
    where span = 'minute' and starts_at >= v_from and starts_at < v_until
    union all
    select date_trunc('minute', at, 'UTC'), event, count(*)
    from triaged.task_history
    where history_id > v_folded_id and at >= v_from and at < v_until
    group by 1, 2
  ) as known
  group by starts_at, event;
end;
$$;
