-- Who may do what. Three roles without login, of this queue alone: grant them to yours. The names
-- here stand for PREFIX_owner and so on; `triaged migrate` prints them.
--   triaged_owner     operates the queue: all of the below, hand-made updates, retention
--   triaged_api       producers and workers: enqueue, claim, settle, operate by function
--   triaged_readonly  looks
-- Tables are written by the functions alone, which run with the rights of their owner. What is on
-- no list below is called by functions of ours: a trigger, or a step without a guard. What was
-- granted otherwise is taken back first.
revoke all on schema triaged from triaged_owner, triaged_api, triaged_readonly;
revoke all on all tables in schema triaged from triaged_owner, triaged_api, triaged_readonly;
revoke all on all sequences in schema triaged from triaged_owner, triaged_api, triaged_readonly;
revoke all on all functions in schema triaged from triaged_owner, triaged_api, triaged_readonly;

grant usage on schema triaged to triaged_owner, triaged_api, triaged_readonly;
grant select on all tables in schema triaged to triaged_owner, triaged_api, triaged_readonly;
-- Holds secrets of others, which no function returns.
revoke select on triaged.push_configs from triaged_api, triaged_readonly;
-- Tells which keys and settings there are, for watch_server and record_start to compare.
revoke select on triaged.audit_known from triaged_api, triaged_readonly;

grant insert on triaged.tasks, triaged.triage_tasks to triaged_owner, triaged_api;
-- By column: a right on the whole view would be one to lock it, and the tables under it with it.
grant update (
  task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
  max_attempts, rescue_count, worker_id, cancel_requested_at, progress_pct, current_step, result,
  error, decision_prompt, decision, dedupe_key, parent_task_id, root_task_id, metadata, created_at,
  started_at, ended_at
) on triaged.tasks to triaged_owner;

-- For whoever may look: what views call, and questions.
grant execute on function
  triaged.now(),
  triaged.may_stop_clock(),
  triaged.why(bigint),
  triaged.foreign_locks(),
  triaged.ended_since(timestamptz),
  triaged.failures_since(timestamptz),
  triaged.events_since(timestamptz),
  triaged.series_since(timestamptz, interval),
  triaged.depth_at(timestamptz),
  triaged.task_at(bigint, timestamptz),
  triaged.known_depth(),
  triaged.held_task_ids(bigint[]),
  triaged.held_by(bigint),
  triaged.look_at_history(),
  triaged.transitions_between(bigint, bigint, bigint[], integer),
  triaged.newest_transition(bigint),
  triaged.list_tasks(
    text, text, text, bigint, bigint, text, text, timestamptz, bigint, integer, integer
  ),
  triaged.get_task_hierarchy(bigint),
  triaged.partition_bounds(bigint),
  triaged.dependents_of(text),
  triaged.retention_days(text),
  triaged.task_id_of(text),
  triaged.preview_operation(text, jsonb),
  triaged.error_shape(text),
  triaged.clock_margin(),
  triaged.maintenance_runs()
to triaged_owner, triaged_api, triaged_readonly;

-- Retention, schedules, the delivery of effects, and the runners of all that.
grant execute on function
  triaged.create_partitions,
  triaged.create_partition,
  triaged.create_days_ahead,
  triaged.stray_days,
  triaged.drop_expired_partitions,
  triaged.expired_partitions,
  triaged.merge_partitions,
  triaged.drop_old_tasks,
  triaged.cleanup_old_tasks,
  triaged.save_setting,
  triaged.fold_history,
  triaged.count_depth,
  triaged.summarize_history,
  triaged.expire_rows,
  triaged.expire_verdicts,
  triaged.expire_effects,
  triaged.enqueue_scheduled,
  triaged.claim_effect,
  triaged.settle_effect,
  triaged.gather_digest,
  triaged.tell_history,
  triaged.expire_push_configs,
  triaged.expire_operations,
  triaged.expire_audit_logs,
  triaged.record_event,
  triaged.watch_server,
  triaged.record_verify,
  triaged.advance_operation,
  triaged.import_task,
  -- Called by the jobs themselves, with the rights of their role.
  triaged.lock_holders,
  triaged.advisory_locks
to triaged_owner;

-- Producers and workers.
grant execute on function
  triaged.enqueue_task,
  triaged.enqueue_plain_task,
  triaged.enqueue_tasks,
  triaged.enqueue_row,
  -- Called by inserts into views, which have the rights of their callers.
  triaged.insert_row,
  triaged.row_of_triage,
  triaged.known_status,
  triaged.register_worker,
  triaged.lock_key,
  triaged.lock_worker,
  triaged.heartbeat_worker,
  triaged.cancel_requests,
  triaged.end_worker,
  triaged.release_unknown_tasks,
  triaged.claim_tasks,
  triaged.settle_tasks,
  triaged.settle_tasks_with_effects,
  triaged.report_progress,
  triaged.rescue_tasks,
  triaged.rescue_process,
  triaged.mend_setback,
  triaged.cancel_task,
  triaged.retry_task,
  triaged.decide_task,
  triaged.change_priority,
  triaged.change_run_at,
  triaged.start_operation,
  triaged.abort_operation,
  triaged.request_verify,
  triaged.retry_effect,
  triaged.set_push_config,
  triaged.delete_push_config,
  triaged.list_push_configs,
  triaged.pause_queue,
  triaged.resume_queue,
  triaged.pause_task_type,
  triaged.resume_task_type,
  triaged.run_schedule,
  triaged.record_sign_ins,
  triaged.record_start,
  triaged.pause_schedule,
  triaged.resume_schedule,
  triaged.take_verdict,
  triaged.store_verdict,
  triaged.leave_verdict,
  triaged.notify_change,
  -- Called by notify_change, which has the rights of its caller.
  triaged.check_repo_name,
  triaged.save_repository,
  triaged.save_relationship,
  triaged.remove_relationship,
  triaged.save_relationship_settings,
  triaged.get_next_task,
  triaged.update_task_status
to triaged_owner, triaged_api;
