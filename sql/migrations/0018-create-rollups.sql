-- Rollups: what happened in each minute and hour, folded from history by fold_history, so that no
-- question about it reads the tasks themselves. They outlive tasks and history.

-- How far history is folded. One row, made by the first fold.
create table triaged.rollup_progress (
  is_only boolean not null default true,
  -- Every row of history up to this id is in the rollups, and no other.
  folded_id bigint not null default 0,
  -- The newest id that was drawn when a fold looked, the transactions that wrote history then, and
  -- the first transaction that began after that: once those are over, each row up to that id is
  -- there, or never will be.
  marked_id bigint not null default 0,
  marked_writers text[] not null default '{}',
  marked_xid xid8,
  -- When live tasks were last counted for depth_counts, and how many there were.
  counted_at timestamptz,
  counted_tasks bigint,

  constraint rollup_progress_pkey primary key (is_only),
  constraint rollup_progress_has_one_row check (is_only)
);

-- Tasks that ended, by the time of their end in history. A task that was retried and ended again
-- counts by each of its ends.
create table triaged.ended_rollups (
  -- minute or hour; each end is in one row of either.
  span text not null,
  starts_at timestamptz not null,
  -- Empty where the task was dropped before its end was folded.
  queue text not null,
  task_type text not null,
  status text not null,
  count bigint not null,
  last_at timestamptz not null,
  -- From started to ended, and from due to started, of the last attempt, in seconds.
  run_count bigint not null,
  run_sum double precision not null,
  run_min double precision,
  run_max double precision,
  wait_min double precision,
  wait_max double precision,
  -- Histograms: cells as histogram_cell numbers them, and how many values lie in each.
  run_cells integer[] not null,
  run_counts bigint[] not null,
  wait_cells integer[] not null,
  wait_counts bigint[] not null,

  constraint ended_rollups_pkey primary key (span, starts_at, queue, task_type, status),
  constraint ended_rollups_span_known check (span in ('minute', 'hour'))
);

-- Rows of history by their event.
create table triaged.event_rollups (
  span text not null,
  starts_at timestamptz not null,
  event text not null,
  count bigint not null,

  constraint event_rollups_pkey primary key (span, starts_at, event),
  constraint event_rollups_span_known check (span in ('minute', 'hour'))
);

-- Attempts that failed, and tasks that ended as failed, by cause.
create table triaged.failure_rollups (
  span text not null,
  starts_at timestamptz not null,
  task_type text not null,
  cause text not null,
  -- Attempts that failed; of these, how many ended their task.
  count bigint not null,
  ended bigint not null,
  last_at timestamptz not null,
  last_task_id bigint not null,

  constraint failure_rollups_pkey primary key (span, starts_at, task_type, cause),
  constraint failure_rollups_span_known check (span in ('minute', 'hour'))
);

-- The newest count of live tasks, which the view queue_depth shows while there are many of them.
-- Empty while there are few.
create table triaged.depth_counts (
  queue text not null,
  task_type text not null,
  status text not null,
  count bigint not null,
  due bigint not null,
  -- When the longest-due task fell due.
  oldest_run_at timestamptz,

  constraint depth_counts_pkey primary key (queue, task_type, status)
);

-- Serves the fold: rows come in the order of their ids, but for those of transactions that took
-- long, so a few pages of summary find them. An entry costs a writer nothing that can be measured.
create index task_history_id_idx on triaged.task_history using brin (history_id)
with (pages_per_range = 32);
