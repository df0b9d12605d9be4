/** What people do: the words of operations. */

/** Matches the constraint operations_action_known. */
export const OPERATION_ACTIONS = [
  "cancel",
  "retry",
  "decide",
  "change_priority",
  "change_run_at",
  "abort",
  "pause_queue",
  "resume_queue",
  "pause_task_type",
  "resume_task_type",
  "pause_schedule",
  "resume_schedule",
  "run_schedule",
  "retry_effect",
  "set_push_config",
  "delete_push_config",
  "save_repository",
  "save_relationship",
  "remove_relationship",
  "save_relationship_settings",
  "save_setting",
  "verify",
] as const;
export type OperationAction = (typeof OPERATION_ACTIONS)[number];

/** What can be done with all tasks that match. */
export const BULK_ACTIONS = ["retry", "cancel", "change_priority", "change_run_at"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

/** Through which an action came. Matches the constraint operations_door_known. */
export const OPERATION_DOORS = ["sql", "client", "cli", "rest", "rpc", "dashboard"] as const;
export type OperationDoor = (typeof OPERATION_DOORS)[number];

export const OPERATION_STATUSES = ["running", "done", "aborted"] as const;

/** Of a reason, in characters. */
export const REASON_LENGTH_MAX = 2_000;

/** Who acts and why. Absent: the login of the database, and no reason. */
export type Saying = {
  /** What history and the operation call the actor; 1 to 200 characters. */
  readonly actor?: string | undefined;
  /** 1 to 2,000 characters. */
  readonly reason?: string | undefined;
};
