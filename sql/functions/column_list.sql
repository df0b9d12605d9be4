-- The columns of a table for a statement that copies its rows: partitions may have them in
-- another order.
create or replace function triaged.column_list(p_table text)
returns text
language sql
stable
as $$
  select string_agg(quote_ident(attname), ', ' order by attnum)
  from pg_attribute
  where
    attrelid = format('triaged.%I', p_table)::regclass
    and attnum > 0
    and not attisdropped
    and attgenerated = '';
$$;
