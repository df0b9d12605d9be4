-- Whose session holds the lock of a worker, and how far the clock of the server was ahead.

-- The server process of the session that shows that the worker lives; null for one that has no
-- session of its own, as behind a transaction pooler. Anybody who may connect can take an advisory
-- lock, so a lock alone is no sign of life: this process must be there.
alter table triaged.workers add column session_pid integer;

-- One row once the clock of the server was found to have gone back: what was written before lies
-- in the future until then. `mended_at` is when tasks were last looked for that wait for it.
create table triaged.clock_setbacks (
  is_only boolean not null default true,
  -- The newest time that was written before.
  ahead_until timestamptz not null,
  seen_at timestamptz not null,
  mended_at timestamptz,

  constraint clock_setbacks_pkey primary key (is_only),
  constraint clock_setbacks_has_one_row check (is_only)
);
