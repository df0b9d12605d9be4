/**
 * The one door of the queue, in three blocks. First its public API: a client for producers and
 * operators, and what a handler is made of. The rest is tagged internal, so that the published
 * declarations leave it out: it is for the application in src/triage, may change at any time, and
 * becomes public when somebody outside of this repository asks for it.
 */

// For anyone.

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
export type { CancelOutcome, Reason } from "./database/operator.ts";
export type { TaskFilter } from "./database/reader.ts";
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

// For the application: the seams at which it meets the queue.

/** @internal */
export { askWith } from "./client/client.ts";
/** @internal */
export { columnsOf, type Database, databaseOf, IsoTime, isoTime } from "./database/database.ts";
/** @internal */
export { EnqueuedRow } from "./database/producer.ts";
/** @internal */
export {
  type AdjudicationConfig,
  gitMemoryMib,
  type RepositoryConfig,
} from "./settings/analysis.ts";
/** @internal */
export { type Config, readConfig } from "./settings/config.ts";
/** @internal */
export { environmentOf, environmentWith, threadEnvironment } from "./settings/environment.ts";

// For the application: tools that it shares with the queue.

/** @internal */
export { hasCode } from "./model/errors.ts";
/** @internal */
export { isRecord, toJson } from "./model/json.ts";
/** @internal */
export { serializePayload } from "./model/payload.ts";
/** @internal */
export {
  counted,
  storableText,
  visibleJson,
  visibleLine,
  visibleText,
  withoutEnd,
  withoutMark,
} from "./model/text.ts";
/** @internal */
export { tryFileLock } from "./system/file-lock.ts";
/** @internal */
export { CircuitBreaker, retryAfterMs, sendRequest } from "./system/http.ts";
/** @internal */
export { isPrivateAddress } from "./system/private-address.ts";
/** @internal */
export { isAlive, processStartTime } from "./system/processes.ts";
