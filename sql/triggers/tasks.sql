-- The audit. By statement, not by row: a batch is recorded by one insert.
create or replace trigger live_tasks_record_insert
after insert on triaged.live_tasks
referencing new table as arrived
for each statement execute function triaged.record_insert();

create or replace trigger live_tasks_record_update
after update on triaged.live_tasks
referencing old table as before new table as after
for each statement execute function triaged.record_update();

-- Before live_tasks_record_update by its name, which ends the announcement of the event.
create or replace trigger live_tasks_note_claims
after update on triaged.live_tasks
referencing old table as before new table as after
for each statement
when (triaged.current_event() in ('claim', 'manual'))
execute function triaged.note_claims();

create or replace trigger final_tasks_record_insert
after insert on triaged.final_tasks
referencing new table as arrived
for each statement execute function triaged.record_insert();

-- The legality of each transition. Costs nothing while transitions are legal: the
-- function is called for an illegal one only. From started, every status is legal.
create or replace trigger live_tasks_refuse_transition
before update on triaged.live_tasks
for each row
when (
  old.status is distinct from new.status
  and not (
    old.status = 'started'
    or (old.status = 'queued' and new.status in ('started', 'cancelled'))
    or (old.status = 'needs_decision' and new.status in ('queued', 'cancelled'))
  )
)
execute function triaged.refuse_transition();

-- attempt_count only grows, and by a claim only: it is what fences off a late holder.
create or replace trigger live_tasks_keep_attempt
before update on triaged.live_tasks
for each row
when (
  new.attempt_count < old.attempt_count
  or (old.status = 'queued' and new.status = 'started' and new.attempt_count = old.attempt_count)
)
execute function triaged.refuse_statement(
  'A claim counts attempt_count up by one; nothing counts it down.'
);

-- Rows leave these tables by the functions and by retention, never by a stray statement.
-- What record_update moves leaves by a trigger, also where a hand-made update ended it.
create or replace trigger live_tasks_refuse_delete
before delete on triaged.live_tasks
for each statement
when (triaged.current_event() = 'manual' and pg_trigger_depth() = 0)
execute function triaged.refuse_statement(
  'cancel_task(task_id) ends a task; cleanup_old_tasks() drops old final ones.'
);

create or replace trigger final_tasks_refuse_delete
before delete on triaged.final_tasks
for each statement
when (triaged.current_event() = 'manual')
execute function triaged.refuse_statement('cleanup_old_tasks() drops old final tasks.');

create or replace trigger final_tasks_refuse_update
before update on triaged.final_tasks
for each statement
execute function triaged.refuse_statement(
  'A final task stays as it is; retry_task(task_id) queues a failed or cancelled one again.'
);

create or replace trigger live_tasks_refuse_truncate
before truncate on triaged.live_tasks
for each statement
execute function triaged.refuse_statement('cancel_task(task_id) ends a task.');

create or replace trigger final_tasks_refuse_truncate
before truncate on triaged.final_tasks
for each statement
execute function triaged.refuse_statement('cleanup_old_tasks() drops old final tasks.');
