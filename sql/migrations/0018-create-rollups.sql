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
  -- The hours that day_histograms has, up to the last of these times, and how many ends they hold.
  merged_from timestamptz,
  merged_until timestamptz,
  merged_count bigint,

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
  -- Histograms: cells as histogram_cell numbers them, and how many values lie in each. Empty in a
  -- row of a minute.
  run_cells integer[] not null,
  run_counts bigint[] not null,
  wait_cells integer[] not null,
  wait_counts bigint[] not null,

  constraint ended_rollups_pkey primary key (span, starts_at, queue, task_type, status),
  constraint ended_rollups_span_known check (span in ('minute', 'hour'))
);

-- The histograms of the whole hours of the last 24, merged: 24 for each type and status take long
-- to merge for whoever asks.
create table triaged.day_histograms (
  task_type text not null,
  status text not null,
  run_cells integer[] not null,
  run_counts bigint[] not null,
  wait_cells integer[] not null,
  wait_counts bigint[] not null,

  constraint day_histograms_pkey primary key (task_type, status)
);

-- When the tasks were created that ended in a minute or hour: where a list of the newest of a type
-- or queue has to look. Imported tasks too.
create table triaged.created_ranges (
  span text not null,
  starts_at timestamptz not null,
  queue text not null,
  task_type text not null,
  status text not null,
  oldest_at timestamptz not null,
  newest_at timestamptz not null,

  constraint created_ranges_pkey primary key (span, starts_at, queue, task_type, status),
  constraint created_ranges_span_known check (span in ('minute', 'hour'))
);

-- Serve list_tasks.
create index created_ranges_type_idx on triaged.created_ranges (task_type, newest_at);
create index created_ranges_queue_idx on triaged.created_ranges (queue, newest_at);

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

-- What is not finished is asked for most, and rare: indexes that a finished task never enters.

-- Serves lists by these statuses, newest first.
create index final_tasks_unfinished_idx on triaged.final_tasks (status, created_at, task_id)
where status <> 'finished';

-- Serves lists by a worker that ended few tasks: the pages that have any of it. BRIN, as an entry
-- by its id would cost each settle; multi-valued, as those who work at a time have ids far apart.
create index final_tasks_worker_idx on triaged.final_tasks using brin (
  worker_id int8_minmax_multi_ops
)
with (pages_per_range = 16);

-- Serves dead_letters and attention, by the time of the failure.
create index final_tasks_failed_idx on triaged.final_tasks (ended_at) where status = 'failed';

-- Serves attention. A task that waits for a person has a prompt, which no claim changes: an index
-- by its status would be written by each claim.
create index live_tasks_prompt_idx on triaged.live_tasks (created_at, task_id)
where decision_prompt is not null;

-- By hand only. record_update gives one to tasks that come to wait without.
update triaged.live_tasks
set decision_prompt = 'set by hand'
where status = 'needs_decision' and decision_prompt is null;

-- Serve lists by parent and context, and lineage. Most tasks have neither.
create index live_tasks_parent_idx on triaged.live_tasks (parent_task_id, created_at, task_id)
where parent_task_id is not null;
create index final_tasks_parent_idx on triaged.final_tasks (parent_task_id, created_at, task_id)
where parent_task_id is not null;
create index live_tasks_root_idx on triaged.live_tasks (root_task_id, task_id)
where root_task_id is not null;
create index final_tasks_root_idx on triaged.final_tasks (root_task_id, task_id)
where root_task_id is not null;
create index live_tasks_context_idx on triaged.live_tasks (
  (metadata ->> 'context_id'), created_at, task_id
)
where metadata ->> 'context_id' is not null;
create index final_tasks_context_idx on triaged.final_tasks (
  (metadata ->> 'context_id'), created_at, task_id
)
where metadata ->> 'context_id' is not null;

-- Serve lists of triage by repository.
create index live_tasks_source_repo_idx on triaged.live_tasks (
  (payload ->> 'source_repo'), created_at, task_id
)
where
  task_type = 'consumer_triage'
  or task_type = 'template_triage'
  or task_type = 'change_notification';
create index final_tasks_source_repo_idx on triaged.final_tasks (
  (payload ->> 'source_repo'), created_at, task_id
)
where
  task_type = 'consumer_triage'
  or task_type = 'template_triage'
  or task_type = 'change_notification';
create index live_tasks_target_repo_idx on triaged.live_tasks (
  (payload ->> 'target_repo'), created_at, task_id
)
where task_type = 'consumer_triage' or task_type = 'template_triage';
create index final_tasks_target_repo_idx on triaged.final_tasks (
  (payload ->> 'target_repo'), created_at, task_id
)
where task_type = 'consumer_triage' or task_type = 'template_triage';
