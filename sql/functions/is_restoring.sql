-- Whether the session restores a dump: pg_dump begins what it writes, in each of its forms, with
-- these two settings, which nobody has who works by hand. Such rows bring their history along, and
-- nothing new happens to their tasks. Only the owner of the tables can write to them at all, and
-- verify names a task that came without its history. Every name with its schema, as in
-- current_event.
create or replace function triaged.is_restoring()
returns boolean
language sql
stable
as $$
  select
    pg_catalog.current_setting('check_function_bodies') operator(pg_catalog.=) 'off'
    and pg_catalog.current_setting('row_security') operator(pg_catalog.=) 'off';
$$;
