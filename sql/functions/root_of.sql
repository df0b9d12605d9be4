-- The oldest ancestor of a task that is about to get a child. Raises TR001 for a parent
-- that does not exist: lineage that leads nowhere helps nobody.
create or replace function triaged.root_of(p_parent_task_id bigint)
returns bigint
language plpgsql
stable
as $$
declare
  v_root_task_id bigint;
begin
  select coalesce(parent.root_task_id, parent.task_id) into v_root_task_id
  from triaged.tasks as parent
  where parent.task_id = p_parent_task_id;

  if not found then
    perform triaged.raise_unknown_task(p_parent_task_id);
  end if;

  return v_root_task_id;
end;
$$;
