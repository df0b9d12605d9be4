-- People write to the views as they would to a table; the functions do the work.
create or replace trigger tasks_insert
instead of insert on triaged.tasks
for each row execute function triaged.insert_task();

create or replace trigger tasks_update
instead of update on triaged.tasks
for each row execute function triaged.update_task();

create or replace trigger tasks_delete
instead of delete on triaged.tasks
for each row execute function triaged.refuse_statement(
  'cancel_task(task_id) ends a task; cleanup_old_tasks() drops old final ones.'
);
