-- For a restore into a queue that was just made.
create or replace trigger audit_known_replace_restored
before insert on triaged.audit_known
for each row
when (triaged.is_restoring())
execute function triaged.replace_known_audit();
