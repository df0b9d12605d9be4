-- Whether a publication sends the deletes of the default partition of a table to its subscribers.
-- What is moved from there into a table that is no partition yet would be deleted at theirs, and
-- not put back.
create or replace function triaged.publishes_deletes(p_table text)
returns boolean
language sql
stable
as $$
  select
    current_setting('wal_level') = 'logical'
    and exists (
      select from pg_publication_tables as published
      join pg_publication as publication on publication.pubname = published.pubname
      join pg_class as queue on queue.oid = 'triaged.live_tasks'::regclass
      join pg_namespace as home on home.oid = queue.relnamespace
      where
        publication.pubdelete
        and published.schemaname = home.nspname
        and published.tablename in (p_table, p_table || '_default')
    );
$$;
