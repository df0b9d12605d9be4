-- History is written once. Retention drops whole partitions.
create or replace trigger task_history_refuse_change
before update or delete or truncate on triaged.task_history
for each statement
execute function triaged.refuse_statement(
  'History is append-only; drop_expired_partitions() ends its retention.'
);
