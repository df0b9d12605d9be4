-- Nothing is for everybody, on a server without our roles as well. In the transaction that makes
-- the functions: nobody ever sees one that he may call by PostgreSQL's own default.
revoke all on schema triaged from public;
revoke all on all tables in schema triaged from public;
revoke all on all sequences in schema triaged from public;
revoke all on all functions in schema triaged from public;

-- What was granted to everybody beforehand, for objects that come later.
alter default privileges in schema triaged revoke all on tables from public;
alter default privileges in schema triaged revoke all on sequences from public;
alter default privileges in schema triaged revoke all on functions from public;
