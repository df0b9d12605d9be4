-- When each schedule last enqueued its task. Schedules themselves are lines of a crontab.
create table triaged.schedule_runs (
  schedule text not null,
  -- The minute at which it was due.
  last_run_at timestamptz not null,
  last_task_id bigint not null,
  run_count bigint not null default 1,

  constraint schedule_runs_pkey primary key (schedule)
);
