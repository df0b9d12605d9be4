-- Remember that a task was imported into a day without a partition: verify says nothing of tasks
-- that ended on it or before, since retention may have dropped them.
create or replace function triaged.note_import_horizon(p_ended_at timestamptz)
returns void
language plpgsql
as $$
declare
  v_day timestamptz := date_trunc('day', p_ended_at, 'UTC');
begin
  -- As verify has it: yesterday is never dropped.
  if
    v_day > date_trunc('day', triaged.now() - interval '48 hours', 'UTC')
    or exists (
      select from triaged.import_horizon as known
      where known.kept_from >= v_day + interval '24 hours'
    )
  then
    return;
  end if;

  insert into triaged.import_horizon as known (kept_from)
  values (v_day + interval '24 hours')
  on conflict (is_only) do update set kept_from = greatest(known.kept_from, excluded.kept_from);
end;
$$;
