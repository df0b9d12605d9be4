-- Copy partitions that are being merged.

-- Copy the next pages of the partitions that are being rewritten, or end the rewrite once all are
-- copied. Sources neither lose nor gain rows while nobody writes to past days; a write is noticed
-- at the end.
create or replace function triaged.continue_rewrite(p_table text)
returns table (step text, partitions text[])
language plpgsql
as $$
#variable_conflict use_column
declare
  -- In one step: some 30,000 rows of history, within a third of a second.
  c_pages_max constant bigint := 500;
  c_bytes_max constant bigint := 32 * 1024 ^ 2;
  c_sources_max constant integer := 50;
  v_rewrite triaged.partition_rewrites;
  v_source text;
  v_left bigint := c_pages_max;
  v_pages bigint;
  v_until bigint;
  v_copied text[] := '{}';
begin
  -- The lock of merge_partitions lets one caller in at a time.
  select * into v_rewrite from triaged.partition_rewrites where table_name = p_table;

  if exists (
    select from unnest(v_rewrite.sources || (p_table || '_rewrite')) as name
    where to_regclass(format('triaged.%I', name)) is null
  )
    -- A migration may have come in between.
    or triaged.column_list(p_table) <> triaged.column_list(p_table || '_rewrite')
    -- Started on another server, whose dump was restored here: no snapshot shows who sees the
    -- copies.
    or v_rewrite.copied_by > pg_current_xact_id()
    or triaged.publishes_copies()
  then
    return query select 'gave up', triaged.abandon_rewrite(p_table);
    return;
  end if;

  if v_rewrite.source_place > cardinality(v_rewrite.sources) then
    return query select * from triaged.end_rewrite(v_rewrite);
    return;
  end if;

  while
    v_left > 0
    and cardinality(v_copied) < c_sources_max
    and v_rewrite.source_place <= cardinality(v_rewrite.sources)
  loop
    v_source := v_rewrite.sources[v_rewrite.source_place];
    v_pages := pg_relation_size(format('triaged.%I', v_source))
      / current_setting('block_size')::bigint;
    -- Long values are stored apart from the pages of their rows, so fewer of such pages are copied.
    v_until := v_rewrite.next_page + greatest(1, least(
      v_left,
      c_bytes_max * v_pages / greatest(1, pg_table_size(format('triaged.%I', v_source)))
    ));

    execute format(
      'insert into triaged.%1$I (%3$s)
       select %3$s from triaged.%2$I
       where ctid >= format(''(%%s,0)'', %4$s)::tid and ctid < format(''(%%s,0)'', %5$s)::tid',
      p_table || '_rewrite', v_source, triaged.column_list(p_table), v_rewrite.next_page, v_until
    );

    v_copied := v_copied || v_source;

    if v_until < v_pages then
      v_rewrite.next_page := v_until;
      exit;
    end if;

    v_left := v_left - (v_pages - v_rewrite.next_page);
    v_rewrite.source_place := v_rewrite.source_place + 1;
    v_rewrite.next_page := 0;
  end loop;

  update triaged.partition_rewrites
  set
    source_place = v_rewrite.source_place,
    next_page = v_rewrite.next_page,
    copied_by = pg_current_xact_id()
  where table_name = p_table;

  return query select 'copied', v_copied;
end;
$$;

-- Drop the copies of a rewrite. Returns the partitions that stay as they are.
create or replace function triaged.abandon_rewrite(p_table text)
returns text[]
language plpgsql
as $$
declare
  v_sources text[];
begin
  execute format('drop table if exists triaged.%I', p_table || '_rewrite');

  delete from triaged.partition_rewrites
  where table_name = p_table
  returning sources into v_sources;

  return v_sources;
end;
$$;

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
