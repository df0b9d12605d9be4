-- Take an advisory lock to the end of the transaction. Anybody who may connect can keep such a
-- lock, so this waits for at most five seconds, or for lock_timeout where that is less, and then
-- raises 55P03 with the names of those who have it.
create or replace function triaged.take_lock(p_kind text, p_id bigint default 0)
returns void
language plpgsql
as $$
declare
  v_key bigint := triaged.lock_key(p_kind, p_id);
  v_timeout text := current_setting('lock_timeout');
begin
  -- Nearly always; spares the savepoint.
  if pg_try_advisory_xact_lock(v_key) then
    return;
  end if;

  begin
    if v_timeout::interval = '0' or v_timeout::interval > '5 seconds' then
      perform set_config('lock_timeout', '5s', true);
    end if;

    perform pg_advisory_xact_lock(v_key);
    perform set_config('lock_timeout', v_timeout, true);
  exception
    when lock_not_available then
      raise exception 'the advisory lock "%" is held by %', p_kind, coalesce(
        (
          select string_agg(
            case
              when holder.pid is null and holder.application is not null
                then format('the prepared transaction %L (role %s)', holder.application,
                  holder.role)
              else format('pid %s (role %s, application %L)', holder.pid, holder.role,
                holder.application)
            end,
            ', '
          )
          from triaged.lock_holders(v_key) as holder
        ),
        'a session that is gone by now'
      )
      using
        errcode = '55P03',
        detail = 'An advisory lock of the queue was not to be had in time.',
        hint = 'Try again; or end that session: select pg_terminate_backend(pid); or that '
          'transaction: commit prepared, or rollback prepared, with its name.';
  end;
end;
$$;
