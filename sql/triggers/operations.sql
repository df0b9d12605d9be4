-- Operations are written once; expire_operations ends their retention.
create or replace trigger operations_refuse_change
before update or truncate on triaged.operations
for each statement
execute function triaged.refuse_statement('Operations are append-only.');

create or replace trigger operations_refuse_delete
before delete on triaged.operations
for each statement
when (triaged.current_event() <> 'expire')
execute function triaged.refuse_statement(
  'Operations are append-only; expire_operations() ends their retention.'
);
