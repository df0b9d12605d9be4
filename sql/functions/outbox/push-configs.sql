-- Who is told of a task by a push, and by which secrets the push is signed.

-- Have each later transition of a task pushed to an address: set a new config, or with the id of
-- one of this task that one anew. Returns its id. Secrets are given here and never returned.
create or replace function triaged.set_push_config(
  task_id bigint,
  url text,
  token text default null,
  hmac_secret text default null,
  jwt_secret text default null,
  jwt_issuer text default null,
  jwt_audience text default null,
  jwt_kid text default null,
  id uuid default null
)
returns uuid
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_configs_max constant integer := 10;
  c_length_max constant integer := 1000;
  v_id uuid := coalesce(set_push_config.id, gen_random_uuid());
begin
  perform triaged.check_push_url(set_push_config.url, 'url');

  if exists (
    select from unnest(array[token, hmac_secret, jwt_secret, jwt_issuer, jwt_audience, jwt_kid])
      as given (value)
    where length(value) not between 1 and c_length_max
  ) then
    raise exception 'expected each of token, secrets and claims to have 1 to % characters',
      c_length_max
      using errcode = '22023';
  end if;

  -- It becomes a header.
  if set_push_config.token ~ '[^!-~]' then
    raise exception 'expected token to be printable ASCII without blanks'
      using errcode = '22023';
  end if;

  if not exists (
    select from triaged.tasks as known where known.task_id = set_push_config.task_id
  ) then
    perform triaged.raise_unknown_task(set_push_config.task_id);
  end if;

  if (
    select count(*) from triaged.push_configs as known
    where known.task_id = set_push_config.task_id and known.id <> v_id
  ) >= c_configs_max then
    raise exception 'task % has % push configs already', set_push_config.task_id, c_configs_max
      using errcode = 'TR003', hint = 'Delete one, or set one anew by its id.';
  end if;

  insert into triaged.push_configs as known (
    id, task_id, url, token, hmac_secret, jwt_secret, jwt_issuer, jwt_audience, jwt_kid, since_id
  )
  values (
    v_id, set_push_config.task_id, set_push_config.url, set_push_config.token,
    set_push_config.hmac_secret, set_push_config.jwt_secret, set_push_config.jwt_issuer,
    set_push_config.jwt_audience, set_push_config.jwt_kid, triaged.drawn_history_id()
  )
  on conflict (id) do update
  set
    url = excluded.url,
    token = excluded.token,
    hmac_secret = excluded.hmac_secret,
    jwt_secret = excluded.jwt_secret,
    jwt_issuer = excluded.jwt_issuer,
    jwt_audience = excluded.jwt_audience,
    jwt_kid = excluded.jwt_kid,
    is_of_metadata = false
  where known.task_id = excluded.task_id;

  if not found then
    raise exception 'push config % belongs to another task', v_id using errcode = '22023';
  end if;

  -- Without its address, which may hold a secret.
  perform triaged.record_operation(
    'set_push_config', set_push_config.task_id, jsonb_build_object('push_config_id', v_id)
  );

  return v_id;
end;
$$;

-- Push nothing more to it; a push under way still arrives. Returns false where the task has no such
-- config.
create or replace function triaged.delete_push_config(task_id bigint, id uuid)
returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  delete from triaged.push_configs as known
  where known.task_id = delete_push_config.task_id and known.id = delete_push_config.id;

  if not found then
    return false;
  end if;

  perform triaged.record_operation(
    'delete_push_config', delete_push_config.task_id,
    jsonb_build_object('push_config_id', delete_push_config.id)
  );

  return true;
end;
$$;

-- The push configs of a task, the oldest first, without their secrets: whether there are any.
create or replace function triaged.list_push_configs(task_id bigint)
returns table (
  id uuid,
  url text,
  has_token boolean,
  has_hmac_secret boolean,
  has_jwt_secret boolean,
  jwt_issuer text,
  jwt_audience text,
  jwt_kid text,
  created_at timestamptz
)
language sql
stable
security definer
set search_path to pg_catalog, pg_temp
as $$
  select
    known.id, known.url, known.token is not null, known.hmac_secret is not null,
    known.jwt_secret is not null, known.jwt_issuer, known.jwt_audience, known.jwt_kid,
    known.created_at
  from triaged.push_configs as known
  where known.task_id = list_push_configs.task_id
  order by known.created_at, known.id;
$$;

-- Raise an error for what no push can go to. Which networks are out of bounds is known to whoever
-- sends: what calls this from outside looks first, and a delivery looks again.
create or replace function triaged.check_push_url(p_url text, p_name text)
returns void
language plpgsql
immutable
as $$
begin
  if
    p_url is null
    or length(p_url) > 2000
    or p_url !~* '^https?://[^/?#@[:space:][:cntrl:]]+([/?#][^[:space:][:cntrl:]]*)?$'
  then
    raise exception 'expected % to be an http:// or https:// address of up to 2000 characters, '
      'without a user', p_name
      using errcode = '22023', hint = 'Secrets go into the token, not into the address.';
  end if;
end;
$$;

-- The newest id of history that was drawn.
create or replace function triaged.drawn_history_id()
returns bigint
language sql
volatile
as $$
  select coalesce(pg_sequence_last_value(
    pg_get_serial_sequence('triaged.task_history', 'history_id')::regclass
  ), 0);
$$;

-- Take over the address in the metadata of a task that is about to be enqueued, or was replaced.
create or replace function triaged.keep_webhook(p_task_id bigint, p_metadata jsonb)
returns void
language plpgsql
as $$
begin
  delete from triaged.push_configs where task_id = p_task_id and is_of_metadata;

  insert into triaged.push_configs (task_id, url, since_id, is_of_metadata)
  select p_task_id, p_metadata ->> 'webhook', triaged.drawn_history_id(), true
  where p_metadata ? 'webhook';
end;
$$;

-- Retention: delete the configs of tasks that are gone, at most max_rows. Returns how many.
create or replace function triaged.expire_push_configs(max_rows integer default 10000)
returns integer
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  delete from triaged.push_configs
  where id = any (array(
    select old.id
    from triaged.push_configs as old
    where
      -- One that was made just now may be of a task that is not visible yet.
      old.created_at < triaged.now() - interval '1 day'
      and not exists (select from triaged.tasks as task where task.task_id = old.task_id)
    limit greatest(0, max_rows)
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;
