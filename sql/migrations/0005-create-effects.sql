-- The outbox: what a task wants done outside of the database once it is settled. A row is
-- written by the transaction that settles the task, or not at all.
create table triaged.effects (
  effect_id bigint generated always as identity,
  task_id bigint not null,
  kind text not null,
  -- The same effect wanted twice, of a change that was notified twice, is one row.
  effect_key text not null,
  payload jsonb not null,
  status text not null default 'pending',
  -- Only grows; with effect_id it is what a delivery shows to record how it ended.
  attempts integer not null default 0,
  attempts_max integer not null default 20,
  -- Not before: the end of the claim while it is being delivered, else of the backoff.
  due_at timestamptz not null,
  -- What the other side calls it: the address of an issue, the name of a file.
  external_ref text,
  last_error text,
  created_at timestamptz not null,
  delivered_at timestamptz,

  constraint effects_pkey primary key (effect_id),
  constraint effects_key_unique unique (effect_key),
  constraint effects_key_is_short check (length(effect_key) between 1 and 200),
  constraint effects_kind_known check (
    kind in ('github_issue', 'webhook', 'push', 'digest', 'context_sink')
  ),
  constraint effects_status_known check (
    status in ('pending', 'delivered', 'failed', 'skipped')
  ),
  constraint effects_delivered_iff_at check ((status = 'delivered') = (delivered_at is not null))
);

-- Serves the sweep, which looks for what nobody delivers. Most rows leave it soon.
create index effects_due_idx on triaged.effects (due_at) where status = 'pending';

-- Serves "which effects does this task have".
create index effects_task_idx on triaged.effects (task_id);

-- Serves expire_effects.
create index effects_expiry_idx on triaged.effects (created_at) where status <> 'pending';
