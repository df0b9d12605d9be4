-- The login whose session made each transition, beside the actor, which it may choose itself.
-- Null in rows from before. A default, since functions of the version before do not name it.
alter table triaged.task_history add column login text;
alter table triaged.task_history alter column login set default session_user;
