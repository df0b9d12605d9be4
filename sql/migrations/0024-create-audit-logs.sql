-- What happened that is no task: settings, roles, migrations, pauses, limits, keys, sign-ins,
-- backups and restores. Each row is written in the transaction of its effect, where that is in this
-- database.

-- Append-only. expire_audit_logs deletes old rows, and none that is critical.
create table triaged.audit_logs (
  audit_id bigint generated always as identity,
  -- By the clock of the database.
  occurred_at timestamptz not null,
  event_type text not null,
  severity text not null,
  -- As in operations: the setting triaged.actor, else the login.
  actor text not null,
  login text not null,
  -- The action of a person that it is, which has reason and door. Operations are deleted before.
  operation_id bigint,
  -- How often it happened: several of one kind, from one source and within a minute, are one row.
  count integer not null default 1,
  -- Values of secrets are in none.
  details jsonb not null,

  constraint audit_logs_pkey primary key (audit_id),
  -- audit_severity in sql/functions has the severity of each.
  constraint audit_logs_event_type_fits check (
    length(event_type) <= 100 and event_type ~ '^[a-z_]+[.][a-z_]+$'
  ),
  constraint audit_logs_severity_known check (
    severity in ('debug', 'info', 'warning', 'error', 'critical')
  ),
  constraint audit_logs_actor_is_short check (length(actor) between 1 and 200),
  constraint audit_logs_counts check (count > 0),
  constraint audit_logs_details_is_object check (jsonb_typeof(details) = 'object'),
  -- In bytes. What is longer is cut by record_audit.
  constraint audit_logs_details_is_small check (octet_length(details::text) <= 16384)
);

-- Serve lists, newest first: by what, by who, and by how grave.
create index audit_logs_event_type_idx on triaged.audit_logs (event_type, audit_id);
create index audit_logs_actor_idx on triaged.audit_logs (actor, audit_id);
create index audit_logs_severity_idx on triaged.audit_logs (severity, audit_id);

-- Serves expire_audit_logs, and lists of a time.
create index audit_logs_occurred_at_idx on triaged.audit_logs using brin (occurred_at);

-- What was there at the last look, to tell what has changed since: the settings that processes
-- started with, the keys of gateways, members of roles, the timeline of the server. Of a secret it
-- has only that it is set; of a key that `triaged key` made, some letters of its hash.
create table triaged.audit_known (
  -- 'roles', 'server', or as 'settings/worker/HOST' and 'keys/gateway/HOST'.
  subject text not null,
  known jsonb not null,
  seen_at timestamptz not null,

  constraint audit_known_pkey primary key (subject),
  constraint audit_known_subject_is_short check (length(subject) between 1 and 300)
);

-- Where a platform gives each new table row security, no row would go in.
alter table triaged.audit_logs disable row level security, no force row level security;
alter table triaged.queue_settings disable row level security, no force row level security;

-- The migrations so far, and when they were applied. Later ones are written by the migrator.
insert into triaged.audit_logs (occurred_at, event_type, severity, actor, login, details)
select
  applied_at, 'migration.applied', 'info', session_user, session_user,
  jsonb_build_object('migration', name)
from triaged.schema_migrations
order by applied_at, name;

-- How long warnings and errors are kept. Debug and info: 90 days; critical: for ever.
alter table triaged.queue_settings
  drop constraint queue_settings_name_known,
  add constraint queue_settings_name_known check (
    name in ('task_retention_days', 'history_retention_days', 'audit_retention_days')
  );

insert into triaged.queue_settings (name, value)
values ('audit_retention_days', '365');
