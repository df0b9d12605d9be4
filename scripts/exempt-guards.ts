/** Guards that no test can miss, and why they stay. Keys are as mutate-guards prints them. */
export const EXEMPT: ReadonlyMap<string, string> = new Map([
  [
    "cancel_requests: task.status = 'started' => true",
    "a live task has a worker only while it is started: constraint tasks_waiting_is_free",
  ],
  [
    "update_task_status: task.status = 'started' => true",
    "a live task has a worker only while it is started: constraint tasks_waiting_is_free",
  ],
  [
    "claim_tasks: set enable_sort to off",
    "the plan is right without it under every statistic tried; it costs nothing",
  ],
  ["claim_tasks: set enable_bitmapscan to off", "a bitmap would be as right, and is slower"],
  [
    "take_dedupe_key: for update",
    "the insert before waits for whoever is writing the key; this closes the gap between the two",
  ],
  [
    "record_update: before.status = 'started' => true",
    "only a task that is or was started has started_at, and without that there is no duration",
  ],
  [
    "create_days_ahead: perform pg_advisory_xact_lock(triaged.lock_key('partition', 0));",
    "create_partition takes the same lock; here it comes before that of the default partition",
  ],
  [
    "declare_dead_workers: ended_at is null => true",
    "declare_dead asks again, and nobody reads lock_lost_at of a worker that ended",
  ],
]);
