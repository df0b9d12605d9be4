-- Take away what a rewrite has copied. Returns the partitions that stay as they are.
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
