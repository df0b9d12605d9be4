-- Trigger: refuse a hand-made statement that would take away tasks or history. Which
-- statements are refused is said where the triggers are made; the hint is an argument.
create or replace function triaged.refuse_statement()
returns trigger
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
  raise exception '% on % is refused', lower(tg_op collate "C"), tg_table_name
    using errcode = 'TR002', hint = tg_argv[0];
end;
$$;
