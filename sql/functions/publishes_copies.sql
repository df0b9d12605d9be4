-- Whether a publication of all tables, or of all of the schema, sends on what merge_partitions
-- copies: rows that its subscribers have, into tables that they have not. That ends a
-- subscription. Only where the log of the server can be decoded does anybody subscribe.
create or replace function triaged.publishes_copies()
returns boolean
language sql
stable
as $$
  select
    current_setting('wal_level') = 'logical'
    and exists (
      select from pg_publication as publication
      where
        publication.pubinsert
        and (
          publication.puballtables
          or exists (
            select from pg_publication_namespace as published
            join pg_class as queue on queue.relnamespace = published.pnnspid
            where
              published.pnpubid = publication.oid and queue.oid = 'triaged.live_tasks'::regclass
          )
        )
    );
$$;
