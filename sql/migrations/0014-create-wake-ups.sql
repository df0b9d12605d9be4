-- What is told as a transaction commits, on servers where one may be prepared instead: a
-- transaction that has notified cannot be. A row lives as long as the transaction that made it.
create table triaged.wake_ups (
  wake_up_id bigint generated always as identity,
  -- For whoever hears the doorbell; null where a job is to be added.
  message text,
  -- The effect that a job is to deliver; else null.
  effect_id bigint,

  constraint wake_ups_pkey primary key (wake_up_id),
  constraint wake_ups_has_one_purpose check ((message is null) <> (effect_id is null))
)
with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
