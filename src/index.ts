/**
 * The public API of triaged: a client for producers and operators, and what a handler is
 * made of. Everything else is internal.
 */
// oxlint-disable no-restricted-imports -- This file re-exports the public part of the client.

export {
  Client,
  createClient,
  type EnqueuedTask,
  type Handlers,
  type TaskToEnqueue,
} from "./client/client.ts";
export type { ClientOptions, InTransaction } from "./client/connection.ts";
export { QueueError, type QueueErrorCode } from "./client/connection.ts";
export type { HistoryEntry, ListedTask, Task } from "./client/task.ts";
export { type WaitOptions, WaitTimeoutError } from "./client/wait.ts";
export type { Queryable } from "./database/database.ts";
export type { CancelOutcome, TaskFilter } from "./database/queue.ts";
export type { Reason } from "./database/rows.ts";
export type { Backoff } from "./model/backoff.ts";
export type { Effect, EffectKind, EffectStatus } from "./model/effect.ts";
export { EnvironmentError, LeaseLostError } from "./model/errors.ts";
export {
  defineHandler,
  type Handler,
  type HandlerContext,
  type HandlerDefinition,
  type PayloadOf,
  type ResultOf,
} from "./model/handler.ts";
export { NeedsDecision, PermanentError, RetryableError, Snooze } from "./model/outcome.ts";
export { PayloadError } from "./model/payload.ts";
export type { ChildTask, Enqueued, EnqueueOptions, Priority } from "./model/task.ts";
export { isFinal, TASK_STATUSES, type TaskStatus } from "./model/task-status.ts";
export type { QueueStats, TaskStatusReport } from "./triage/client.ts";
