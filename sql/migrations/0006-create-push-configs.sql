-- Who wants to be told of a task, and how they know that it is us. Only the owner may read
-- it: it holds secrets.
create table triaged.push_configs (
  id uuid not null default gen_random_uuid(),
  -- No foreign key: tasks move between tables.
  task_id bigint not null,
  url text not null,
  token text,
  hmac_secret text,
  jwt_secret text,
  jwt_issuer text,
  jwt_audience text,
  jwt_kid text,
  created_at timestamptz not null default now(),

  constraint push_configs_pkey primary key (id)
);

-- Serves the look-up of a task's configs.
create index push_configs_task_idx on triaged.push_configs (task_id);
