-- An insert into the view triage_tasks enqueues or imports a task, as one into tasks.
create or replace trigger triage_tasks_insert
instead of insert on triaged.triage_tasks
for each row execute function triaged.insert_task();
