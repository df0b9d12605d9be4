-- The work of merge_partitions between two of its steps: which partitions it copies into fewer
-- ones, and how far it came. The copies lie in a table of their own, TABLE_rewrite, until they
-- take the places of their sources.
create table triaged.partition_rewrites (
  table_name text not null,
  -- Copied one after the other, each by pages in their order.
  sources text[] not null,
  source_place integer not null default 1,
  next_page bigint not null default 0,
  -- The transaction of the newest copy. A snapshot that is older does not see it.
  copied_by xid8 not null,
  started_at timestamptz not null,

  constraint partition_rewrites_pkey primary key (table_name),
  constraint partition_rewrites_table_known check (
    table_name in ('final_tasks', 'task_history')
  )
);

-- It has a third argument since.
drop function if exists triaged.drop_expired_partitions(integer, integer);
