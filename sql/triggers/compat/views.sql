-- Clients write to the view as they did to their table.
create or replace trigger tasks_insert
instead of insert on triaged_compat.tasks
for each row execute function triaged_compat.insert_task();

create or replace trigger tasks_update
instead of update on triaged_compat.tasks
for each row execute function triaged_compat.update_task();

create or replace trigger tasks_delete
instead of delete on triaged_compat.tasks
for each row execute function triaged.refuse_statement(
  'cancel_task(task_id) ends a task; cleanup_old_tasks() drops old final ones.'
);
