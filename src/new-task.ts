/** 0 to 3, or the words for them. */
export const PRIORITIES = ["critical", "high", "medium", "low"] as const;
export type Priority = 0 | 1 | 2 | 3 | (typeof PRIORITIES)[number];

/** How a task is enqueued, beyond its type and payload. */
export type EnqueueOptions = {
  /** @default "default" */
  readonly queue?: string | undefined;
  /** In claim order. @default "medium" */
  readonly priority?: Priority | undefined;
  /** Not before this time. @default now */
  readonly runAt?: Date | undefined;
  /** Failures before the task is `failed`, 1 to 100. @default what its handler says, else 3 */
  readonly maxAttempts?: number | undefined;
  /** At most 512 characters. While a task of this key is live, no second one is created. */
  readonly dedupeKey?: string | undefined;
  /** What becomes of a duplicate: `replace` puts it in place of a task that still waits. @default "keep" */
  readonly dedupeMode?: "keep" | "replace" | undefined;
  /** Milliseconds that the key is held at least, also when its task has ended. */
  readonly dedupeForMs?: number | undefined;
  readonly parentTaskId?: string | undefined;
  /** Labels and trace context. Not for the handler's input. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
};

/** A task to enqueue; `payload` is JSON text that serializePayload made. */
export type NewTask = EnqueueOptions & { readonly taskType: string; readonly payload: string };

/** What came of it; `duplicate` and `replaced` give the id of the task that was there. */
export type Enqueued = {
  readonly taskId: string;
  readonly outcome: "created" | "duplicate" | "replaced";
};

/** A task that a handler enqueues. Its parent is the task that the handler works on. */
export type ChildTask = Omit<EnqueueOptions, "parentTaskId"> & {
  readonly taskType: string;
  readonly payload: Readonly<Record<string, unknown>>;
};
