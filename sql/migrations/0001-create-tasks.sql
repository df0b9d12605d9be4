-- The tables of the queue, and the rules that every row obeys.
--
-- A task is one row of live_tasks until it ends, and one row of final_tasks after
-- that. sql/functions holds the only statements that move it. The schema's name
-- occurs in sql/ as the prefix "triaged." and in no other form, so that the
-- migrator can put another in its place.

-- One row is one incarnation of one worker process; worker_id is never reused. The
-- worker has the lease, not each task: one row to renew, however many tasks it holds.
-- Half-empty pages, so that a heartbeat is a change within its page.
create table triaged.workers (
  worker_id bigint generated always as identity,
  name text not null,
  host text,
  pid integer,
  -- 'compat' workers call get_next_task: no heartbeat of their own, no session lock.
  kind text not null default 'native',
  queues text[] not null,
  task_types text[] not null,
  -- Attempts it runs at a time.
  concurrency integer not null,
  -- How long it counts as alive without a heartbeat.
  lease interval not null,
  -- Whether a session of the worker holds the advisory lock on worker_id. Behind a
  -- transaction pooler it cannot, and only the lease decides.
  has_session_lock boolean not null default false,
  -- When a rescue first found that lock free. A second look decides.
  lock_lost_at timestamptz,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,

  constraint workers_pkey primary key (worker_id),
  constraint workers_kind_known check (kind in ('native', 'compat')),
  constraint workers_concurrency_is_positive check (concurrency > 0),
  constraint workers_ended_for_a_reason check ((ended_at is null) = (end_reason is null))
)
with (fillfactor = 50);

-- Serves rescue_tasks and why: the workers that have not ended.
create index workers_alive_idx on triaged.workers (worker_id) where ended_at is null;

-- Settings of a queue. A queue without a row has the defaults.
create table triaged.queues (
  queue text not null,
  -- While set, nothing of the queue is claimed.
  paused_at timestamptz,

  constraint queues_pkey primary key (queue)
);

-- What the workers said of their handlers when they registered, the newest last.
create table triaged.task_types (
  task_type text not null,
  -- What enqueue takes where the caller does not say.
  max_attempts integer not null,
  paused_at timestamptz,

  constraint task_types_pkey primary key (task_type),
  constraint task_types_max_attempts_in_range check (max_attempts between 1 and 100)
);

create table triaged.live_tasks (
  task_id bigint generated always as identity,
  task_type text not null,
  queue text not null default 'default',
  payload jsonb not null,
  -- 0 critical, 1 high, 2 medium, 3 low. Few and fixed, because a claim visits the
  -- levels one by one.
  priority smallint not null default 2,

  status text not null default 'queued',
  run_at timestamptz not null,

  -- How often the task was claimed. It only grows, so (task_id, attempt_count)
  -- names one attempt and fences off every earlier one.
  attempt_count integer not null default 0,
  -- Attempts that failed, against max_attempts. Snooze, release and rescue do not
  -- count, which is why this is a second number.
  failure_count integer not null default 0,
  max_attempts integer not null default 3,
  -- Attempts whose worker died.
  rescue_count integer not null default 0,

  -- Who holds the task. Null while it waits; kept when it ends.
  worker_id bigint,
  cancel_requested_at timestamptz,
  progress_pct smallint,
  current_step text,
  -- What the handler returned; while a person is asked, what is known so far.
  result jsonb,
  -- Of the newest attempt that did not finish; null once one finished.
  error text,
  decision_prompt text,
  decision jsonb,

  -- Copied from dedupe_keys, which decides; null for most tasks.
  dedupe_key text,
  parent_task_id bigint,
  -- The oldest ancestor; null for a task without a parent.
  root_task_id bigint,
  -- Labels and trace context of the producer. Not for the handler's input.
  metadata jsonb not null default '{}',

  created_at timestamptz not null,
  -- Start of the attempt that runs, or of the one that ended the task. Null while
  -- the task waits.
  started_at timestamptz,
  -- Never seen here: a row that ends is moved by the statement that ends it.
  ended_at timestamptz,

  -- Half-full pages here and in the index below: the claim enters each task once more, near
  -- its first entry. That fits without splitting the pages, and a claim is 0.8 us cheaper
  -- for each task (of 18).
  constraint live_tasks_pkey primary key (task_id) with (fillfactor = 50),
  constraint tasks_status_known check (
    status in ('queued', 'started', 'needs_decision', 'finished', 'failed', 'cancelled')
  ),
  constraint tasks_started_is_held check (
    status <> 'started' or (worker_id is not null and started_at is not null)
  ),
  constraint tasks_waiting_is_free check (
    status not in ('queued', 'needs_decision') or worker_id is null
  ),
  constraint tasks_final_iff_ended check (
    (status in ('finished', 'failed', 'cancelled')) = (ended_at is not null)
  ),
  constraint tasks_type_is_named check (length(task_type) between 1 and 200),
  constraint tasks_queue_is_named check (length(queue) between 1 and 200),
  constraint tasks_priority_known check (priority between 0 and 3),
  constraint tasks_payload_is_object check (jsonb_typeof(payload) = 'object'),
  constraint tasks_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
  constraint tasks_run_at_is_finite check (isfinite(run_at)),
  constraint tasks_progress_in_percent check (progress_pct between 0 and 100),
  constraint tasks_max_attempts_in_range check (max_attempts between 1 and 100),
  constraint tasks_failures_in_budget check (
    failure_count between 0 and least(attempt_count, max_attempts)
  ),
  constraint tasks_rescues_are_attempts check (rescue_count between 0 and attempt_count)
)
-- Room in each page for the version of its rows that the claim writes, without which the
-- table grows by it: 1.1 us of processor time for each task. Vacuum after a hundredth.
with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

-- Serves claim_tasks: the due tasks of one lane, longest due first.
create index live_tasks_claim_idx on triaged.live_tasks (
  queue, task_type, priority, run_at, task_id
)
where status = 'queued';

-- Serves rescue_tasks. Its predicate says nothing about status, so that no settle
-- statement can take it for a shortcut and read every dead entry of the worker.
create index live_tasks_held_idx on triaged.live_tasks (worker_id)
where worker_id is not null;

-- Serves the view tasks, newest first.
create index live_tasks_created_idx on triaged.live_tasks (created_at) with (fillfactor = 50);

create table triaged.final_tasks (
  like triaged.live_tasks including constraints,
  constraint final_tasks_pkey primary key (task_id, ended_at)
)
partition by range (ended_at);

-- Serves the view tasks, newest first.
create index final_tasks_created_idx on triaged.final_tasks (created_at);

create table triaged.task_history (
  history_id bigint generated always as identity,
  task_id bigint not null,
  task_type text not null,
  at timestamptz not null,
  -- The function that made the transition, or 'manual' for a statement of another.
  event text not null,
  -- After the event.
  status text not null,
  attempt_count integer not null,
  worker_id bigint,
  -- 'worker', or the setting triaged.actor where the caller made it, or the role.
  actor text not null,
  error text,
  -- Of a claim: due to started, in milliseconds.
  wait_ms bigint,
  -- Of the end of an attempt: started to ended, in milliseconds.
  duration_ms bigint,
  -- Of a failure: {"class": …}.
  detail jsonb
)
partition by range (at);

-- Serves the history of one task.
create index task_history_task_idx on triaged.task_history (task_id);

-- Serves "what happened in the last hour". The table is written in the order of
-- time, so a few pages of summary do what a tree would.
create index task_history_at_idx on triaged.task_history using brin (at);

-- The net below the partitions of each day, which create_partitions makes ahead.
create table triaged.final_tasks_default partition of triaged.final_tasks default;
create table triaged.task_history_default partition of triaged.task_history default;

-- Who holds a key. The key of a task that ended is free, unless until says otherwise;
-- expire_rows takes such rows away some time later.
create table triaged.dedupe_keys (
  dedupe_key text not null,
  task_id bigint not null,
  -- The key is held until then, even if its task ends before.
  until timestamptz,

  constraint dedupe_keys_pkey primary key (dedupe_key),
  constraint dedupe_keys_is_short check (length(dedupe_key) between 1 and 512)
);
