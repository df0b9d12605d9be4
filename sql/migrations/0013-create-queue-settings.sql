-- What the queue goes by, one value for SQL, jobs and commands on whatever host. A row is changed
-- by save_setting(); its trigger records who changed it, by hand as well.
create table triaged.queue_settings (
  name text not null,
  value text not null,
  -- Null: nobody has, and the value is the default.
  changed_at timestamptz,
  changed_by text,
  -- The login, whatever the session said of itself.
  changed_login text,
  previous_value text,

  constraint queue_settings_pkey primary key (name),
  constraint queue_settings_name_known check (
    name in ('task_retention_days', 'history_retention_days')
  ),
  -- Days, 0 to 36500, of which 0 means for ever.
  constraint queue_settings_value_fits check (
    value ~ '^(0|[1-9][0-9]{0,3}|[12][0-9]{4}|3[0-5][0-9]{3}|36[0-4][0-9]{2}|36500)$'
  )
);

-- A platform's event trigger may have put row security on it just now, and no row would go in.
alter table triaged.queue_settings no force row level security, disable row level security;

insert into triaged.queue_settings (name, value)
values ('task_retention_days', '7'), ('history_retention_days', '90');
