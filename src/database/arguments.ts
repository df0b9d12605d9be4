/** What verbs of queue.ts take that is more than a few fields; rows.ts has what they answer. */
import type { EffectKind, EffectStatus } from "../model/effect.ts";
import type { TaskStatus } from "../model/task-status.ts";

/** What a worker says of itself when it begins. */
export type Registration = {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly concurrency: number;
  /** How long it may be silent before others take it for dead. */
  readonly leaseMs: number;
  readonly taskTypes: readonly { readonly name: string; readonly maxAttempts: number }[];
};

export type Pausable = { readonly kind: "queue" | "task type"; readonly name: string };

export type TaskFilter = {
  readonly queue?: string | undefined;
  readonly taskType?: string | undefined;
  readonly status?: TaskStatus | undefined;
  /** The `context_id` in its metadata. */
  readonly contextId?: string | undefined;
  /** The `source_repo` or the `target_repo` in its payload. */
  readonly repo?: string | undefined;
  readonly parentTaskId?: string | undefined;
  /** Only what comes behind this place, as pageTasks gave it. */
  readonly after?: string | undefined;
  readonly offset?: number | undefined;
  /** 1 to 100. */
  readonly limit: number;
};

/** How much a count of ended tasks reads at most. */
export type CountLimits = {
  /** More than that are estimated; failed and cancelled ones each by themselves. @default 10,000 */
  readonly countMax?: number;
  /** Pages that are drawn by chance for an estimate. @default 1,000 */
  readonly pagesMax?: number;
};

/** How an attempt at an effect ended; `pending`: to be tried again after `delayMs`. */
export type EffectEnd = {
  readonly status: EffectStatus;
  readonly externalRef?: string | null;
  readonly error?: string;
  readonly delayMs?: number;
};

export type EffectFilter = {
  readonly effectId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly kind?: EffectKind | undefined;
  readonly status?: EffectStatus | undefined;
  readonly limit: number;
};

/** Where the transitions of a task are pushed, and how the receiver knows that they are ours. */
export type PushReceiver = {
  /** `http://` or `https://`. */
  readonly url: string;
  /** Sent as it is, in a header. */
  readonly token?: string | undefined;
  readonly hmacSecret?: string | undefined;
  readonly jwtSecret?: string | undefined;
  readonly jwtIssuer?: string | undefined;
  readonly jwtAudience?: string | undefined;
  readonly jwtKid?: string | undefined;
};

/** What the job tells of new history. */
export type HistoryTold = {
  readonly alerts: readonly string[];
  /** Whether `task_updates` is notified. */
  readonly updates: boolean;
  /** After which a due task is late. */
  readonly queueAgeMs: number;
};

/** Ids of history after the first and up to the last, of these tasks or (null) of all. */
export type HistoryRange = {
  readonly after: bigint;
  readonly until: bigint;
  readonly taskIds: readonly string[] | null;
  readonly limit: number;
};
