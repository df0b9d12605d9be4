-- What people did: each action of a person is one row, written in the transaction of its effect.

-- Append-only. expire_operations deletes rows that are older than all of history.
create table triaged.operations (
  operation_id bigint generated always as identity,
  at timestamptz not null,
  action text not null,
  -- As in task_history: the setting triaged.actor, else the login.
  actor text not null,
  login text not null,
  -- The setting triaged.reason; required of an operation on many tasks.
  reason text,
  -- Through which door it came: the setting triaged.door.
  door text not null,
  -- The one task that it is of; null where it is of many, or of none.
  task_id bigint,
  -- What else it is of: {"queue": …}, {"effect_id": …}; of many tasks the filter.
  target jsonb not null,
  -- What it set, such as {"priority": 0}. Never a payload, a decision or a secret.
  change jsonb,
  -- Of many tasks: how many there were about when it began, and whether that was counted.
  expected bigint,
  is_estimate boolean,
  -- A caller's own id: a request that is sent again starts nothing again.
  request_key text,

  constraint operations_pkey primary key (operation_id),
  constraint operations_request_unique unique (request_key),
  constraint operations_action_known check (
    action in (
      'cancel', 'retry', 'decide', 'change_priority', 'change_run_at', 'abort',
      'pause_queue', 'resume_queue', 'pause_task_type', 'resume_task_type',
      'pause_schedule', 'resume_schedule', 'run_schedule',
      'retry_effect', 'set_push_config', 'delete_push_config',
      'save_repository', 'save_relationship', 'remove_relationship', 'save_relationship_settings',
      'save_setting', 'verify'
    )
  ),
  constraint operations_door_known check (
    door in ('sql', 'client', 'cli', 'rest', 'rpc', 'dashboard')
  ),
  constraint operations_reason_is_short check (length(reason) between 1 and 2000),
  constraint operations_request_is_short check (length(request_key) between 1 and 200),
  constraint operations_target_is_object check (jsonb_typeof(target) = 'object'),
  constraint operations_change_is_object check (jsonb_typeof(change) = 'object')
);

-- Serve lists, newest first: by who, by what, and of one task.
create index operations_actor_idx on triaged.operations (actor, operation_id);
create index operations_action_idx on triaged.operations (action, operation_id);
create index operations_task_idx on triaged.operations (task_id, operation_id)
where task_id is not null;

-- Serves expire_operations, and lists of a time.
create index operations_at_idx on triaged.operations using brin (at);

-- How far an operation on many tasks is. advance_operation writes it, batch by batch.
create table triaged.operation_progress (
  operation_id bigint not null,
  status text not null default 'running',
  -- Behind which task the next batch begins: of final tasks by status and creation, of live ones by
  -- their id.
  after_status text,
  after_created_at timestamptz,
  after_task_id bigint not null default 0,
  -- Tasks that matched when their batch ran; each is done, skipped or failed.
  matched bigint not null default 0,
  done bigint not null default 0,
  -- Moved on in between, or its dedupe key is taken.
  skipped bigint not null default 0,
  failed bigint not null default 0,
  -- Of the newest task that failed.
  last_error text,
  updated_at timestamptz not null,
  ended_at timestamptz,

  constraint operation_progress_pkey primary key (operation_id),
  constraint operation_progress_of_one foreign key (operation_id) references triaged.operations
    on delete cascade,
  constraint operation_progress_status_known check (status in ('running', 'done', 'aborted')),
  constraint operation_progress_ended_iff_over check ((status = 'running') = (ended_at is null)),
  constraint operation_progress_adds_up check (matched = done + skipped + failed)
);

-- Serves the sweep of the jobs.
create index operation_progress_running_idx on triaged.operation_progress (updated_at)
where status = 'running';

-- Schedules that enqueue nothing when they are due. Schedules themselves are lines of a crontab.
create table triaged.schedule_pauses (
  schedule text not null,
  paused_at timestamptz not null,

  constraint schedule_pauses_pkey primary key (schedule)
);

-- What charts draw: all that happened in each ten seconds, minute and hour, folded by fold_history
-- beside the other rollups. One row for each time, whatever queues and types there are: ten seconds
-- are kept for two hours, minutes for 25, hours for 400 days.
create table triaged.series_rollups (
  span text not null,
  starts_at timestamptz not null,
  enqueued bigint not null default 0,
  claimed bigint not null default 0,
  -- Attempts that failed, also those that were tried again.
  failed_attempts bigint not null default 0,
  -- Tasks that ended.
  finished bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  -- As in ended_rollups, of the last attempt of each.
  run_cells integer[] not null default '{}',
  run_counts bigint[] not null default '{}',
  wait_cells integer[] not null default '{}',
  wait_counts bigint[] not null default '{}',

  constraint series_rollups_pkey primary key (span, starts_at),
  constraint series_rollups_span_known check (span in ('10 seconds', 'minute', 'hour'))
);

-- What was folded before has hours, and so charts of some days. Where a platform gives each new
-- table row security, none could be inserted.
alter table triaged.series_rollups disable row level security, no force row level security;

insert into triaged.series_rollups (
  span, starts_at, finished, failed, cancelled, run_cells, run_counts, wait_cells, wait_counts
)
select
  'hour', ended.starts_at, ended.finished, ended.failed, ended.cancelled, coalesce(run.cells, '{}'),
  coalesce(run.counts, '{}'), coalesce(wait.cells, '{}'), coalesce(wait.counts, '{}')
from (
  select
    starts_at,
    coalesce(sum(count) filter (where status = 'finished'), 0) as finished,
    coalesce(sum(count) filter (where status = 'failed'), 0) as failed,
    coalesce(sum(count) filter (where status = 'cancelled'), 0) as cancelled
  from triaged.ended_rollups
  where span = 'hour'
  group by starts_at
) as ended
left join (
  select starts_at, array_agg(cell order by cell) as cells, array_agg(count order by cell) as counts
  from (
    select starts_at, cell, sum(values_in)::bigint as count
    from triaged.ended_rollups
    cross join unnest(run_cells, run_counts) as each (cell, values_in)
    where span = 'hour'
    group by starts_at, cell
  ) as by_cell
  group by starts_at
) as run using (starts_at)
left join (
  select starts_at, array_agg(cell order by cell) as cells, array_agg(count order by cell) as counts
  from (
    select starts_at, cell, sum(values_in)::bigint as count
    from triaged.ended_rollups
    cross join unnest(wait_cells, wait_counts) as each (cell, values_in)
    where span = 'hour'
    group by starts_at, cell
  ) as by_cell
  group by starts_at
) as wait using (starts_at);

update triaged.series_rollups as series
set enqueued = known.enqueued, claimed = known.claimed
from (
  select
    starts_at,
    coalesce(sum(count) filter (where event = 'enqueue'), 0) as enqueued,
    coalesce(sum(count) filter (where event = 'claim'), 0) as claimed
  from triaged.event_rollups
  where span = 'hour'
  group by starts_at
) as known
where series.span = 'hour' and series.starts_at = known.starts_at;

-- How depth changed in each ten seconds and hour of the last 25 hours, folded by fold_history: what
-- entered a status less what left it. depth_at counts back from depth_totals by it.
create table triaged.depth_rollups (
  span text not null,
  starts_at timestamptz not null,
  queue text not null,
  task_type text not null,
  status text not null,
  change bigint not null,

  constraint depth_rollups_pkey primary key (span, starts_at, queue, task_type, status),
  constraint depth_rollups_span_known check (span in ('10 seconds', 'hour'))
);

-- Depth as of the last row of history that was folded.
create table triaged.depth_totals (
  queue text not null,
  task_type text not null,
  status text not null,
  count bigint not null,

  constraint depth_totals_pkey primary key (queue, task_type, status)
);

alter table triaged.rollup_progress
  -- From when on depth_at knows; and when depth_totals was last compared with the tasks.
  add column depth_since timestamptz,
  add column depth_counted_at timestamptz;

-- Runs of verify, the newest of which the dashboard shows. expire_operations deletes old ones.
create table triaged.verify_runs (
  run_id bigint generated always as identity,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  actor text not null,
  -- Nothing is wrong, and nothing was left out.
  is_ok boolean not null,
  -- False where the time was over before the last task.
  is_complete boolean not null,
  -- What happened since then was judged; null is all that is kept.
  since timestamptz,
  -- By the name of each check: how much it judged, and in how much it does not hold.
  checked jsonb not null,
  broken jsonb not null,
  -- The first violations: check, task_id, problem.
  violations jsonb not null,

  constraint verify_runs_pkey primary key (run_id),
  constraint verify_runs_ended_later check (ended_at >= began_at)
);

-- Or a maintenance job that is to run now.
alter table triaged.wake_ups
  add column job text,
  drop constraint wake_ups_has_one_purpose,
  add constraint wake_ups_has_one_purpose check (num_nonnulls(message, effect_id, job) = 1);
