-- Whether the copies of a rewrite are the same rows as p_sources gives, after what was written or
-- retried meanwhile is done to the copies as well. The caller has locked the sources.
create or replace function triaged.is_copied(p_table text, p_sources text)
returns boolean
language plpgsql
as $$
declare
  v_work text := p_table || '_rewrite';
  v_key text := triaged.partition_key(p_table);
  v_id text := case p_table when 'task_history' then 'history_id' else 'task_id' end;
  v_compare text := format(
    'select (select (count(*), coalesce(sum(%1$I), 0)) from (%2$s) as source)
       = (select (count(*), coalesce(sum(%1$I), 0)) from triaged.%3$I)',
    v_id, p_sources, v_work
  );
  v_same boolean;
begin
  execute v_compare into v_same;

  if v_same then
    return true;
  end if;

  execute format(
    'delete from triaged.%3$I as copy
     where not exists (
       select from (%4$s) as source where (source.%1$I, source.%2$I) = (copy.%1$I, copy.%2$I)
     )',
    v_id, v_key, v_work, p_sources
  );

  execute format(
    'insert into triaged.%3$I (%5$s)
     select %5$s from (%4$s) as source
     where not exists (
       select from triaged.%3$I as copy
       where (source.%1$I, source.%2$I) = (copy.%1$I, copy.%2$I)
     )',
    v_id, v_key, v_work, p_sources, triaged.column_list(p_table)
  );

  execute v_compare into v_same;

  return v_same;
end;
$$;
