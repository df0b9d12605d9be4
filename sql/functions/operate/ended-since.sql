-- Tasks that ended since a time, by type and status: the rows of the view task_statistics. Planned
-- with that time, so that it reads and locks one or two partitions. The times of a view are
-- expressions until it runs, so the view would lock all partitions.
create or replace function triaged.ended_since(p_since timestamptz)
returns table (
  task_type text,
  status text,
  count bigint,
  avg_duration_seconds double precision,
  last_completed timestamptz,
  per_minute numeric,
  share double precision,
  wait_seconds_p50 double precision,
  wait_seconds_p95 double precision,
  run_seconds_p50 double precision,
  run_seconds_p95 double precision
)
language plpgsql
stable
set search_path to pg_catalog, pg_temp
set plan_cache_mode to force_custom_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := triaged.now();
  -- A transaction that began later may have ended its tasks already.
  v_until timestamptz := v_now + interval '1 hour';
begin
  return query
  with ended as (
    select
      task_type,
      status,
      ended_at,
      extract(epoch from ended_at - started_at)::double precision as run_seconds,
      greatest(0, extract(epoch from started_at - run_at))::double precision as wait_seconds
    from triaged.final_tasks
    where ended_at > p_since and ended_at <= v_until
  )
  select
    task_type,
    status,
    count(*),
    avg(run_seconds),
    max(ended_at),
    count(*) filter (where ended_at > v_now - interval '1 hour') / 60.0,
    count(*)::double precision / sum(count(*)) over (partition by task_type),
    percentile_cont(0.5) within group (order by wait_seconds),
    percentile_cont(0.95) within group (order by wait_seconds),
    percentile_cont(0.5) within group (order by run_seconds),
    percentile_cont(0.95) within group (order by run_seconds)
  from ended
  group by task_type, status;
end;
$$;
