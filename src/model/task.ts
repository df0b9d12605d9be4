/** 0 to 3, or the words for them. */
export const PRIORITY_NAMES = ["critical", "high", "medium", "low"] as const;
export type Priority = 0 | 1 | 2 | 3 | (typeof PRIORITY_NAMES)[number];

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

/** What a handler is given of its task. JSON text, which is parsed by the attempt, not before. */
export type TaskInput = {
  readonly payloadText: string;
  readonly metadataText: string;
  readonly decisionText: string | null;
  readonly previousError: string | null;
};

/** A task as a worker claimed it. Ids are text, because bigint is wider than number. */
export type ClaimedTask = {
  readonly taskId: string;
  readonly taskType: string;
  readonly queue: string;
  readonly attempt: number;
  readonly failureCount: number;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Text: a Date would drop the microseconds, and this is a position in a lane. */
  readonly runAt: string;
  readonly parentTaskId: string | null;
  readonly rootTaskId: string | null;
} & (TaskInput | NoInput);

/** The claim left the input out, because it is long: the attempt loads it when it starts. */
type NoInput = { readonly [Part in keyof TaskInput]: null };

/** Whether the claim brought the input along. */
export function hasInput(task: ClaimedTask): task is ClaimedTask & TaskInput {
  return task.payloadText !== null;
}

/**
 * A place in a lane, after which a claim looks. The time stays text: a Date would drop the
 * microseconds, and a bulk of tasks that are due together would lie after no bound.
 */
export type LaneBound = { readonly runAt: string; readonly taskId: string };

/** What to claim from: a queue, a task type and a priority, and from where on. */
export type Lane = {
  readonly queue: string;
  readonly taskType: string;
  readonly priority: number;
  /** Claim only after this bound. A hint, absent on every full sweep. */
  readonly after?: LaneBound | undefined;
};

/** The priorities, in the order in which they are served. */
export const PRIORITIES = [0, 1, 2, 3] as const;

/** One attempt at one task: the fencing token that every settle presents. */
export type Attempt = {
  readonly taskId: string;
  readonly attempt: number;
};

/** The same as text, for sets and maps. */
export function attemptToken({ taskId, attempt }: Attempt): string {
  return `${taskId}/${attempt}`;
}

/**
 * The id here of a task of another system: as it is, but for a bare number, which would be found
 * as the task of that number here.
 */
export function givenIdOf(id: string, system: string): string {
  return /^\d+$/.test(id) ? `${system}:${id}` : id;
}
