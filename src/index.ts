/**
 * The public API of triaged: a client for producers and operators, and what a handler is
 * made of. Everything else is internal.
 */
// oxlint-disable no-restricted-imports -- This file re-exports the public part of the client.

export type { Backoff } from "./backoff.ts";
export {
  Client,
  createClient,
  type EnqueuedTask,
  type Handlers,
  type TaskToEnqueue,
} from "./client/client.ts";
export type { ClientOptions, InTransaction } from "./client/connection.ts";
export { QueueError, type QueueErrorCode } from "./client/queue-error.ts";
export type { HistoryEntry, ListedTask, Task } from "./client/task.ts";
export type { QueueStats, TaskStatusReport } from "./client/triage-calls.ts";
export { type WaitOptions, WaitTimeoutError } from "./client/wait-for-task.ts";
export type { Effect, EffectKind, EffectStatus } from "./effect.ts";
export { EnvironmentError, LeaseLostError } from "./errors.ts";
export {
  defineHandler,
  type Handler,
  type HandlerContext,
  type HandlerDefinition,
  type PayloadOf,
  type ResultOf,
} from "./handler.ts";
export type { ChildTask, Enqueued, EnqueueOptions, Priority } from "./new-task.ts";
export { NeedsDecision, PermanentError, RetryableError, Snooze } from "./outcome.ts";
export { PayloadError } from "./payload.ts";
export type { Queryable } from "./postgres/database.ts";
export type { CancelOutcome, Reason } from "./postgres/operator-store.ts";
export type { TaskFilter } from "./postgres/read-store.ts";
export { isFinal, TASK_STATUSES, type TaskStatus } from "./task-status.ts";
