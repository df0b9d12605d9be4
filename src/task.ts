/** A task as a worker claimed it. Ids are text, because bigint is wider than number. */
export type ClaimedTask = {
  readonly taskId: string;
  readonly taskType: string;
  readonly queue: string;
  /** JSON, parsed by the attempt and not before. */
  readonly payloadText: string;
  readonly attempt: number;
  readonly failureCount: number;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Text: a Date would drop the microseconds, and this is a place in a lane. */
  readonly runAt: string;
  readonly previousError: string | null;
  readonly decision: unknown;
  readonly parentTaskId: string | null;
  readonly rootTaskId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};
