-- Leave a table that was made just now to its owner alone, as its neighbours are: default
-- privileges give new tables to others, or take them from their owner, and event triggers of a
-- platform hide their rows. Partitions are looked at through the table that they belong to.
create or replace function triaged.close_table(p_table text)
returns void
language plpgsql
as $$
declare
  v_table oid := format('triaged.%I', p_table)::regclass;
  v_other record;
begin
  for v_other in
    select
      case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as name
    from pg_class cross join lateral aclexplode(relacl)
    where pg_class.oid = v_table and grantee <> relowner
    group by grantee
  loop
    execute format('revoke all on triaged.%I from %s cascade', p_table, v_other.name);
  end loop;

  if exists (select from pg_class where pg_class.oid = v_table and relacl is not null) then
    execute format(
      'grant all on triaged.%I to %I',
      p_table, (select pg_get_userbyid(relowner) from pg_class where pg_class.oid = v_table)
    );
  end if;

  if exists (
    select from pg_class where pg_class.oid = v_table and (relrowsecurity or relforcerowsecurity)
  ) then
    execute format(
      'alter table triaged.%I no force row level security, disable row level security', p_table
    );
  end if;
end;
$$;
