-- The audit log is written once; expire_audit_logs ends the retention of what is not critical.
create or replace trigger audit_logs_refuse_change
before update or truncate on triaged.audit_logs
for each statement
execute function triaged.refuse_statement('The audit log is append-only.');

create or replace trigger audit_logs_refuse_delete
before delete on triaged.audit_logs
for each statement
when (triaged.current_event() <> 'expire')
execute function triaged.refuse_statement(
  'The audit log is append-only; expire_audit_logs() ends its retention.'
);

create or replace trigger audit_logs_keep_critical
before delete on triaged.audit_logs
for each row
when (old.severity = 'critical')
execute function triaged.refuse_statement('What is critical is kept for ever.');

-- For a restore into a queue that was just made.
create or replace trigger audit_logs_place_restored
before insert on triaged.audit_logs
for each row
when (triaged.is_restoring())
execute function triaged.place_restored_audit();
