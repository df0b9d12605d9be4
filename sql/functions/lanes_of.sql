-- Every lane of a worker, as arrays for claim_tasks: the highest priority first.
create or replace function triaged.lanes_of(p_queues text[], p_task_types text[])
returns table (queues text[], task_types text[], priorities smallint[])
language sql
immutable
as $$
  select
    array_agg(queue order by priority),
    array_agg(task_type order by priority),
    array_agg(priority::smallint order by priority)
  from unnest(p_queues) as queue
  cross join unnest(p_task_types) as task_type
  cross join generate_series(0, 3) as priority;
$$;
