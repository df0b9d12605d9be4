-- Workers are told at commit, and jobs added, unless the transaction is prepared.
drop trigger if exists wake_ups_tell on triaged.wake_ups;

create constraint trigger wake_ups_tell
after insert on triaged.wake_ups
deferrable initially deferred
for each row execute function triaged.tell_wake_up();
