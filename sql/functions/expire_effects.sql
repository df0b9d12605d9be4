-- Retention of the outbox: delete effects that ended and are older than so many days, or than
-- history is kept; 0 keeps them for ever. At most max_rows; returns how many went. Until then a
-- row keeps the same effect from being made again.
create or replace function triaged.expire_effects(
  max_rows integer default 10000,
  effect_days integer default null
)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
-- A day has 24 hours.
set timezone to 'UTC'
as $$
declare
  v_days integer := coalesce(effect_days, triaged.retention_days('task_history'));
  v_deleted integer;
begin
  delete from triaged.effects
  where effect_id = any (array(
    select old.effect_id
    from triaged.effects as old
    where
      v_days > 0
      and old.status <> 'pending'
      and old.created_at < triaged.now() - make_interval(days => v_days)
    order by old.created_at
    limit max_rows
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;
