-- Which attempt works a cached verdict out, so that others who need it wait instead of doing
-- the same. A row counts only while that attempt holds its task: nobody has to take back what
-- a dead worker left here.
create table triaged.verdict_fillers (
  cache_key text not null,
  task_id bigint not null,
  attempt integer not null,
  since timestamptz not null,

  constraint verdict_fillers_pkey primary key (cache_key)
);

-- Takes details now, as the other outcomes do.
drop function if exists triaged.finish_tasks(bigint[], integer[], jsonb[]);
