/**
 * The one door of the queue, in three blocks. First its public API: a client for producers and
 * operators, and what a handler is made of. The rest is tagged internal, so that the published
 * declarations leave it out: it is for the application in src/triage, may change at any time, and
 * becomes public when somebody outside of this repository asks for it.
 *
 * Who imports it loads zod, pg and pino, and nothing heavier (test/unit/index.test.ts). For this
 * a process that analyses takes 0.4 s of processor time to start, in place of 0.3: a second and
 * lighter door would be one more thing to know.
 */

// For anyone.

export {
  Client,
  createClient,
  type EnqueuedTask,
  type Handlers,
  type TaskToEnqueue,
} from "./client/client.ts";
export {
  type CompareOptions,
  compareHandler,
  compareStores,
  followHandler,
  type StoreComparison,
} from "./client/compare-stores.ts";
export type { ClientOptions, InTransaction } from "./client/connection.ts";
export { QueueError, type QueueErrorCode } from "./client/connection.ts";
export {
  type DualWriteCounts,
  type DualWriteOptions,
  type DualWriteStore,
  dualWrite,
  type OlderStore,
  type StoreTask,
  type StoreTaskToCreate,
} from "./client/dual-write.ts";
export type { HistoryEntry, ListedTask, Task } from "./client/task.ts";
export { type WaitOptions, WaitTimeoutError } from "./client/wait.ts";
export type { PushReceiver, TaskFilter } from "./database/arguments.ts";
export type { Queryable } from "./database/database.ts";
export type {
  OperationFilter,
  OperationPreview,
  OperationRow,
  OperationsFilter,
  OperationWork,
} from "./database/operations.ts";
export type { CancelOutcome } from "./database/queue.ts";
export type { ListedPushConfig, Reason } from "./database/rows.ts";
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
export type { BulkAction, OperationAction, OperationDoor, Saying } from "./model/operation.ts";
export { NeedsDecision, PermanentError, RetryableError, Snooze } from "./model/outcome.ts";
export { PayloadError } from "./model/payload.ts";
export type { ChildTask, Enqueued, EnqueueOptions, Priority } from "./model/task.ts";
export { isFinal, TASK_STATUSES, type TaskStatus } from "./model/task-status.ts";

// For the application: the seams at which it meets the queue.

/** @internal */
export type { Application } from "./cli/application.ts";
/** @internal */
export { awaitTask } from "./cli/terminal/await-task.ts";
/** @internal */
export { type Command, defineCommand } from "./cli/terminal/command.ts";
/** @internal */
export { nearest, UsageError } from "./cli/terminal/errors.ts";
/** @internal */
export { readInput } from "./cli/terminal/input.ts";
/** @internal */
export {
  formatTime,
  note,
  print,
  printDocument,
  printJson,
  renderTable,
  withNumericIds,
} from "./cli/terminal/output.ts";
/** @internal */
export { duration, priority } from "./cli/terminal/parsing.ts";
/** @internal */
export { withDatabase } from "./cli/terminal/with-database.ts";
/** @internal */
export { askWith } from "./client/client.ts";
/** @internal */
export { waitForTask } from "./client/wait.ts";
/** @internal */
export { diffView } from "./dashboard/components/diff-view.ts";
/** @internal */
export { actionForm } from "./dashboard/components/forms.ts";
/** @internal */
export { jsonView } from "./dashboard/components/json-view.ts";
/** @internal */
export { emptyState, table, withQuery } from "./dashboard/components/lists.ts";
/** @internal */
export { momentView } from "./dashboard/components/moment.ts";
/** @internal */
export { shownLine, shownText } from "./dashboard/components/shown-text.ts";
/** @internal */
export { type Html, html } from "./dashboard/html.ts";
/** @internal */
export {
  type Action,
  type ApplicationPages,
  defineAction,
  definePage,
  type PageContext,
} from "./dashboard/page.ts";
/** @internal */
export { columnsOf, type Database, databaseOf, IsoTime, isoTime } from "./database/database.ts";
/** @internal */
export { readOlderRelationships, readOlderRepositories } from "./database/foreign-queues.ts";
/** @internal */
export { enqueueTask, enqueueTasks } from "./database/producer.ts";
/** @internal */
export { type ClaimedEffect, EnqueuedRow } from "./database/rows.ts";
/** @internal */
export { callerIn } from "./gateway/access.ts";
/** @internal */
export { FAILURES } from "./gateway/failures.ts";
/** @internal */
export type { ApplicationDoors, Gateway, GatewayParts } from "./gateway/gateway.ts";
/** @internal */
export { signalOf } from "./gateway/gone.ts";
/** @internal */
export { Refusal } from "./gateway/refusal.ts";
/** @internal */
export { defineSkill, type Skill, type SkillContext } from "./gateway/skill.ts";
/** @internal */
export type { TakeOver } from "./import/source.ts";
/** @internal */
export { lastDue } from "./jobs/due-times.ts";
/** @internal */
export { deleteInRounds, type MaintenanceJob } from "./jobs/job.ts";
/** @internal */
export {
  type Deliveries,
  type DeliveryContext,
  type EffectDelivery,
  parseEffectPayload,
  parseResponse,
  ServerUnavailableError,
  SkippedEffect,
} from "./outbox/delivery.ts";
/** @internal */
export {
  type AdjudicationConfig,
  gitMemoryMib,
  type RepositoryConfig,
} from "./settings/analysis.ts";
/** @internal */
export { type Config, readConfig } from "./settings/config.ts";
/** @internal */
export type { EffectsConfig } from "./settings/effects.ts";
/** @internal */
export { environmentOf, environmentWith, threadEnvironment } from "./settings/environment.ts";
/** @internal */
export { choice, text } from "./settings/variables.ts";

// For the application: tools that it shares with the queue.

/** @internal */
export { hasCode } from "./model/errors.ts";
/** @internal */
export { isRecord, parseExactly, toJson } from "./model/json.ts";
/** @internal */
export { checkJson, parsePayload, serializePayload } from "./model/payload.ts";
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
export { CircuitBreaker, type HttpRequest, retryAfterMs, sendRequest } from "./system/http.ts";
/** @internal */
export { isPrivateAddress } from "./system/private-address.ts";
/** @internal */
export { isAlive, processStartTime } from "./system/processes.ts";
