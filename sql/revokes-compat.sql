-- As sql/revokes.sql: nothing is for everybody.
revoke all on schema triaged_compat from public;
revoke all on all tables in schema triaged_compat from public;
revoke all on all functions in schema triaged_compat from public;

alter default privileges in schema triaged_compat revoke all on tables from public;
alter default privileges in schema triaged_compat revoke all on functions from public;
