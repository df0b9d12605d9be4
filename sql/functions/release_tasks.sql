-- started -> queued, due at once; no failure. A pending cancel request wins: started ->
-- cancelled. Returns the attempts that were released; nothing was written about the
-- others.
create or replace function triaged.release_tasks(p_task_ids bigint[], p_attempts integer[])
returns table (task_id bigint, attempt integer, status text)
language plpgsql
as $$
begin
  perform triaged.note_event('release', 'worker');

  return query select * from triaged.put_back_tasks(p_task_ids, p_attempts, null);

  perform triaged.ring_doorbell();
end;
$$;
