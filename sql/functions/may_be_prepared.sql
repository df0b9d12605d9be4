-- Whether a transaction may end by `prepare transaction` here, which is refused to one that has
-- notified. PostgreSQL's default is that none may.
create or replace function triaged.may_be_prepared()
returns boolean
language sql
stable
as $$
  select current_setting('max_prepared_transactions') <> '0';
$$;
