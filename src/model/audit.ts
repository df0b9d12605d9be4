/** The words of the audit log: what happened that is no task. */

/** The same list, with the severity of each, as audit_severity in sql/functions. */
export const AUDIT_EVENTS = [
  "audit.expired",
  "backup.failed",
  "backup.made",
  "drill.failed",
  "drill.performed",
  "key.changed",
  "key.created",
  "key.revoked",
  "limit.changed",
  "migration.applied",
  "migration.failed",
  "migration.mended",
  "queue.paused",
  "queue.resumed",
  "reset.performed",
  "restore.failed",
  "restore.performed",
  "role.granted",
  "role.revoked",
  "schedule.paused",
  "schedule.resumed",
  "server.timeline_changed",
  "setting.changed",
  "signin.failed",
  "signin.succeeded",
  "task_type.paused",
  "task_type.resumed",
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** From the least grave to the gravest. Matches the constraint audit_logs_severity_known. */
export const AUDIT_SEVERITIES = ["debug", "info", "warning", "error", "critical"] as const;
export type AuditSeverity = (typeof AUDIT_SEVERITIES)[number];

/** What a maintenance command did, which it tells the database itself. */
export type MaintenanceEvent = Extract<
  AuditEvent,
  `${"backup" | "drill" | "migration" | "reset" | "restore"}.${string}`
>;

/** Attempts to come in, of one kind and from one source. */
export type SignIn = {
  readonly outcome: "failed" | "succeeded";
  /** The address that it came from. */
  readonly source: string;
  /** The route that it was for. */
  readonly door: string;
  /** A code, such as `unknown_key`; none where it succeeded. */
  readonly reason?: string;
  /** Of whoever came in. */
  readonly name?: string;
  readonly count: number;
};

/** A key as the audit log compares it, without anything that opens a door. */
export type KnownKey = {
  readonly name: string;
  readonly role: string;
  readonly requests_per_minute: number | null;
  /** Letters of the hash of a random key, which tell it from the next one; else null. */
  readonly mark: string | null;
};
