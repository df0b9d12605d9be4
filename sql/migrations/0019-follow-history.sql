-- What a process needs that tells of every transition.

-- How much of history retention has dropped. One row, made by the first drop.
create table triaged.dropped_history (
  is_only boolean not null default true,
  -- Rows up to this id may be gone: whoever asks for all after an earlier one would not get them.
  until_id bigint not null,

  constraint dropped_history_pkey primary key (is_only),
  constraint dropped_history_has_one_row check (is_only)
);

-- How much of history the job has told of: to those who asked for pushes, alerts, task_updates. One
-- row, made when somebody asks for the first time.
create table triaged.told_history (
  is_only boolean not null default true,
  -- Of each row up to this id, and of no other.
  told_id bigint not null default 0,
  -- Whether anybody wanted to be told at the last look.
  is_on boolean not null default false,

  constraint told_history_pkey primary key (is_only),
  constraint told_history_has_one_row check (is_only)
);

-- The newest id of history when the config was made: it wants what comes after.
alter table triaged.push_configs add column since_id bigint not null default 0;

-- Whether it stands in the metadata of its task.
alter table triaged.push_configs add column is_of_metadata boolean not null default false;

-- What is wrong now and was told of. It is told again when it was right in between.
create table triaged.open_alerts (
  -- queue_age: the subject is a queue.
  alert text not null,
  subject text not null,
  began_at timestamptz not null,

  constraint open_alerts_pkey primary key (alert, subject)
);

alter table triaged.effects drop constraint effects_kind_known;
alter table triaged.effects add constraint effects_kind_known check (
  kind in ('github_issue', 'webhook', 'push', 'digest', 'context_sink', 'alert')
);
