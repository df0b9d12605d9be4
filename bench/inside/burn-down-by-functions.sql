-- What `triaged work` has the server do, by the same functions with the same triggers, called in
-- one session and without a client: what is missing to the rate of a worker is the worker, and
-- what is missing to the plain statements are the functions. Commits by itself, so call it
-- outside of a transaction.
create procedure triaged.burn_down_by_functions(p_worker_id bigint, p_batch integer)
language plpgsql
as $$
declare
  v_outcomes jsonb;
  -- The place that the claims have come to, as a worker remembers it for its lane.
  v_run_at timestamptz := '-infinity';
  v_task_id bigint := 0;
begin
  loop
    select
      jsonb_agg(jsonb_build_object(
        'task_id', claimed.task_id, 'attempt', claimed.attempt_count, 'outcome', 'finish'
      )),
      max(claimed.run_at),
      max(claimed.task_id)
    into v_outcomes, v_run_at, v_task_id
    from triaged.claim_tasks(
      p_worker_id, p_batch, '{default}', '{noop}', '{2}', array[v_run_at], array[v_task_id]
    ) as claimed;

    exit when v_outcomes is null;
    commit;

    perform settled.task_id from triaged.settle_tasks(v_outcomes) as settled;
    commit;
  end loop;
end;
$$;
