-- The partitions of final_tasks and task_history. Each holds rows from starts_at on, up to ends_at;
-- the default partition has neither bound, and holds rows that no other partition covers.
create or replace view triaged.partitions as
select
  parent.relname::text as table_name,
  partition.relname::text as partition_name,
  bounds.found[1] as starts_at,
  bounds.found[2] as ends_at
from pg_inherits as inherited
join pg_class as parent on parent.oid = inherited.inhparent
join pg_class as partition on partition.oid = inherited.inhrelid
cross join lateral triaged.partition_bounds(partition.oid::bigint) as bounds (found)
where inherited.inhparent in ('triaged.final_tasks'::regclass, 'triaged.task_history'::regclass);
