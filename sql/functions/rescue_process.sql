-- started -> queued, for what the workers of one process hold, right after somebody saw that
-- process exit: its supervisor. As rescue_tasks does it, without its second look. Returns the
-- workers of the process that had not ended before, and how many tasks were taken back.
--
-- is_dead is false, and nothing is done, where a session of the worker is still there, or a
-- claim of it is under way: the server has not noticed the exit yet, or it is another process
-- with that pid under a host of the same name. Call again a moment later. The word of the
-- caller alone counts where a worker has no session of its own, as behind a transaction pooler.
create or replace function triaged.rescue_process(
  host text,
  pid integer,
  max_rescues integer default 3
)
returns table (worker_id bigint, is_dead boolean, tasks integer, failed integer)
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_worker triaged.workers;
  v_is_there boolean;
  v_statuses text[];
begin
  for v_worker in
    select *
    from triaged.workers as alive
    where
      alive.ended_at is null
      and alive.host = rescue_process.host
      and alive.pid = rescue_process.pid
    order by alive.worker_id
  loop
    worker_id := v_worker.worker_id;
    is_dead := false;
    tasks := 0;
    failed := 0;

    -- Null where it has no session: then the caller's word counts.
    v_is_there := triaged.has_session(v_worker, triaged.server_pids());

    if v_is_there is not true then
      v_worker := triaged.declare_dead(v_worker, 'process exited');
      is_dead := v_worker.worker_id is not null;
    end if;

    if is_dead then
      v_statuses := array(
        select rescued.status
        from triaged.rescue_tasks_of(array[v_worker.worker_id], rescue_process.max_rescues)
          as rescued
      );
      tasks := cardinality(v_statuses);
      failed := cardinality(array_positions(v_statuses, 'failed'));
    end if;

    return next;
  end loop;
end;
$$;
