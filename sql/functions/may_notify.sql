-- Whether there is room for a notification. A session that listens and stays in a transaction keeps
-- all that come, and when they fill the room of the whole server, each transaction that notifies
-- fails as it commits. Workers poll, so a task that nobody is rung for is better than none.
create or replace function triaged.may_notify()
returns boolean
language sql
volatile
as $$
  select pg_notification_queue_usage() < 0.5;
$$;
