-- Who may do what. Three roles for the whole server, without login: grant them to yours.
--   triaged_owner     operates the queue: all of the below, hand-made updates, retention
--   triaged_api       producers and workers: enqueue, claim, settle, operate by function
--   triaged_readonly  looks
-- Tables are written by the functions alone, which run with the rights of their owner.
revoke all on schema triaged from public;
revoke all on all functions in schema triaged from public;

grant usage on schema triaged to triaged_owner, triaged_api, triaged_readonly;
grant select on all tables in schema triaged to triaged_owner, triaged_api, triaged_readonly;
-- Holds secrets of others.
revoke select on triaged.push_configs from triaged_api, triaged_readonly;

grant insert on triaged.tasks, triaged.triage_tasks to triaged_owner, triaged_api;
grant update on triaged.tasks to triaged_owner;

grant execute on all functions in schema triaged to triaged_owner;

grant execute on function
  triaged.now(),
  triaged.may_stop_clock(),
  triaged.milliseconds(interval),
  triaged.current_event(),
  triaged.why(bigint),
  triaged.ended_since(timestamptz),
  triaged.dependents_of(text)
to triaged_api, triaged_readonly;

grant execute on function
  triaged.enqueue_task,
  triaged.enqueue_tasks,
  triaged.register_worker,
  triaged.lock_worker,
  triaged.heartbeat_worker,
  triaged.cancel_requests,
  triaged.end_worker,
  triaged.release_unknown_tasks,
  triaged.claim_lane,
  triaged.claim_tasks,
  triaged.settle_tasks,
  triaged.settle_tasks_with_effects,
  triaged.report_progress,
  triaged.rescue_tasks,
  triaged.rescue_process,
  triaged.cancel_task,
  triaged.retry_task,
  triaged.decide_task,
  triaged.retry_effect,
  triaged.pause_queue,
  triaged.resume_queue,
  triaged.pause_task_type,
  triaged.resume_task_type,
  triaged.take_verdict,
  triaged.store_verdict,
  triaged.leave_verdict,
  triaged.notify_change,
  triaged.save_repository,
  triaged.save_relationship,
  triaged.remove_relationship,
  triaged.lock_key,
  triaged.get_next_task,
  triaged.update_task_status
to triaged_api;
