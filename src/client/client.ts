import type { PushReceiver, TaskFilter } from "../database/arguments.ts";
import type { Database } from "../database/database.ts";
import { changePriority, changeRunAt, saying } from "../database/operations.ts";
import { cancelTask, decideTask, retryTask } from "../database/operator.ts";
import { deletePushConfig, listPushConfigs, setPushConfig } from "../database/outbox.ts";
import { enqueueTask, enqueueTasks } from "../database/producer.ts";
import type { CancelOutcome } from "../database/queue.ts";
import { getTask, HISTORY_ROWS_MAX, listTasks, taskHistory, whyTask } from "../database/reader.ts";
import type { ListedPushConfig, Reason } from "../database/rows.ts";
import type { PayloadOf, ResultOf } from "../model/handler.ts";
import type { Saying } from "../model/operation.ts";
import { serializePayload } from "../model/payload.ts";
import type { Enqueued, EnqueueOptions } from "../model/task.ts";
import { refusePrivateHost } from "../system/private-address.ts";
import {
  type ClientOptions,
  type InTransaction,
  QueueConnection,
  QueueError,
} from "./connection.ts";
import type { HistoryTail } from "./history-tail.ts";
import { Operations } from "./operations.ts";
import {
  type HistoryEntry,
  type ListedTask,
  type Task,
  toHistoryEntry,
  toListedTask,
  toTask,
} from "./task.ts";
import type { TaskCache } from "./task-cache.ts";
import { type WaitOptions, waitForTask } from "./wait.ts";

/** Task types and their handlers: `{ noop: typeof import("./tasks/noop.ts").default }`. */
export type Handlers = Record<string, unknown>;

/** What became of an enqueue. Hand it to `wait`, whose result then has the handler's type. */
export type EnqueuedTask<TaskType extends string = string> = Enqueued & {
  readonly taskType: TaskType;
};

/** One task of `enqueueMany`. */
export type TaskToEnqueue<Known extends Handlers = Handlers> = {
  [TaskType in keyof Known & string]: EnqueueOptions & {
    readonly taskType: TaskType;
    readonly payload: PayloadOf<Known[TaskType]>;
  };
}[keyof Known & string];

/** What reads with `cached` take: the first one makes it. */
type OpenCache = { readonly tail: HistoryTail; readonly tasks: TaskCache };

/** The class alone sees its connection; `askWith` gets at it by this. */
let connectionOf: (client: Client) => QueueConnection;

/**
 * A producer's and operator's view of the queue. Every method throws a QueueError when the
 * queue refuses, a PayloadError before it is asked (a RangeError for an invalid `runAt`), and
 * the error of `pg` when the database cannot be reached; none retries by itself.
 */
export class Client<Known extends Handlers = Handlers> {
  readonly #connection: QueueConnection;
  /** What people did, and work on all tasks that match a filter. */
  readonly operations: Operations;
  #cache: Promise<OpenCache> | undefined;

  static {
    connectionOf = (client) => client.#connection;
  }

  constructor(options: ClientOptions = {}) {
    this.#connection = new QueueConnection(options);
    this.operations = new Operations({
      ask: (given, question) => this.#connection.ask(given, question),
      operate: (given, verb) => this.#operate(given, verb),
    });
  }

  /**
   * Enqueue one task. With `db` it exists if and only if that transaction commits.
   * `outcome` is `created`, or what a dedupe key made of it: `duplicate`, `replaced`.
   */
  async enqueue<TaskType extends keyof Known & string>(
    taskType: TaskType,
    payload: PayloadOf<Known[TaskType]>,
    options: EnqueueOptions & InTransaction = {},
  ): Promise<EnqueuedTask<TaskType>> {
    const task = { ...options, taskType, payload: serializePayload(payload) };
    const enqueued = await this.#connection.ask(options, (db) => enqueueTask(db, task));
    return { ...enqueued, taskType };
  }

  /**
   * Enqueue many in one statement, all or none; at most 64 MiB of them. The answers are in the
   * order of the tasks.
   */
  async enqueueMany(
    tasks: readonly TaskToEnqueue<Known>[],
    options: InTransaction = {},
  ): Promise<EnqueuedTask[]> {
    const checked = tasks.map((task) => ({ ...task, payload: serializePayload(task.payload) }));
    const enqueued = await this.#connection.ask(options, (db) => enqueueTasks(db, checked));
    return enqueued.map((each, place) => ({ ...each, taskType: checked[place]?.taskType ?? "" }));
  }

  /**
   * Wait until the task is finished, failed or cancelled, and resolve to it; look at its
   * status. Throws a WaitTimeoutError after `timeoutMs` (the task goes on), and the reason
   * of `signal`. Polls every 50 ms at first, every second later.
   */
  async wait<TaskType extends keyof Known & string>(
    task: string | EnqueuedTask<TaskType>,
    options: WaitOptions = {},
  ): Promise<Task<PayloadOf<Known[TaskType]>, ResultOf<Known[TaskType]>>> {
    const taskId = typeof task === "string" ? task : task.taskId;
    const row = await this.#connection.ask({}, (db) => waitForTask(db, taskId, options));
    if (row === null) {
      throw new QueueError(`there is no task ${taskId}`, { code: "unknown_task", hint: null });
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The handler's schemas checked both on their way into the database.
    return toTask(row) as Task<PayloadOf<Known[TaskType]>, ResultOf<Known[TaskType]>>;
  }

  /** `cancelled`, or `requested` for a task that runs: its worker aborts it. */
  cancel(taskId: string, options: InTransaction & Saying = {}): Promise<CancelOutcome> {
    return this.#operate(options, (db) => cancelTask(db, taskId));
  }

  /** Queue a failed or cancelled task again, with its whole budget of attempts. */
  retry(taskId: string, options: InTransaction & Saying = {}): Promise<void> {
    return this.#operate(options, (db) => retryTask(db, taskId));
  }

  /** Answer a task that waits for a decision; `decision` is any JSON. */
  decide(taskId: string, decision: unknown, options: InTransaction & Saying = {}): Promise<void> {
    return this.#operate(options, (db) => decideTask(db, taskId, decision));
  }

  /** Give a task that has not ended another priority, 0 critical to 3 low; false where it had it. */
  changePriority(
    taskId: string,
    priority: number,
    options: InTransaction & Saying = {},
  ): Promise<boolean> {
    return this.#operate(options, (db) => changePriority(db, taskId, priority));
  }

  /** Have a queued task due at another time, now for null; false where it was due then. */
  changeRunAt(
    taskId: string,
    runAt: Date | null,
    options: InTransaction & Saying = {},
  ): Promise<boolean> {
    return this.#operate(options, (db) => changeRunAt(db, taskId, runAt));
  }

  /** What a person does: the operation names who, why, and this door. */
  #operate<Answer>(
    { actor, reason, ...options }: InTransaction & Saying,
    verb: (db: Database) => Promise<Answer>,
  ): Promise<Answer> {
    return this.#connection.ask(options, (db) =>
      verb(saying(db, { actor, reason, door: "client" })),
    );
  }

  /**
   * The task, or null when there is none (any more). With `cached` as it was some tenths of a second
   * ago, of one that runs a second: from memory, where it was read before and nothing happened to
   * it since. For looks, not for decisions; a client that reads so follows history meanwhile.
   */
  async get(
    taskId: string,
    options: InTransaction & { readonly cached?: boolean } = {},
  ): Promise<Task | null> {
    if (options.cached === true && options.db === undefined) {
      const cache = await (this.#cache ??= this.#openCache());
      const known = await cache.tasks.get(taskId);
      // A copy: the caller may change it.
      return known === null ? null : toTask(structuredClone(known));
    }
    const row = await this.#connection.ask(options, (db) => getTask(db, taskId));
    return row === null ? null : toTask(row);
  }

  /** How many reads with `cached` were answered from memory, and by the database. */
  async cachedReads(): Promise<{ readonly hits: number; readonly misses: number }> {
    return (await this.#cache)?.tasks.counts ?? { hits: 0, misses: 0 };
  }

  /** Loaded by who needs it. */
  async #openCache(): Promise<OpenCache> {
    const [{ HistoryTail }, { TaskCache }] = await Promise.all([
      import("./history-tail.ts"),
      import("./task-cache.ts"),
    ]);
    const tail = new HistoryTail({ read: (work) => this.#connection.ask({}, work) });
    const read = (taskId: string) => this.#connection.ask({}, (db) => getTask(db, taskId));
    return { tail, tasks: new TaskCache({ tail, read }) };
  }

  /** Tasks, the newest first, without payloads and results. `limit` is 1 to 100, default 20. */
  async list(filter: Partial<TaskFilter> & InTransaction = {}): Promise<ListedTask[]> {
    const limit = filter.limit ?? 20;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= 100)) {
      throw new TypeError(`expected limit to be an integer from 1 to 100, got ${limit}`);
    }
    const rows = await this.#connection.ask(filter, (db) => listTasks(db, { ...filter, limit }));
    return rows.map(toListedTask);
  }

  /**
   * The transitions of a task, the oldest first; also of one that was dropped since. Of more than
   * a thousand, or than `limit`, the newest.
   */
  async history(
    taskId: string,
    options: InTransaction & { readonly limit?: number } = {},
  ): Promise<HistoryEntry[]> {
    const { limit = HISTORY_ROWS_MAX } = options;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= HISTORY_ROWS_MAX)) {
      throw new TypeError(
        `expected limit to be an integer from 1 to ${HISTORY_ROWS_MAX}, got ${limit}`,
      );
    }
    const rows = await this.#connection.ask(options, (db) => taskHistory(db, taskId, { limit }));
    return rows.map(toHistoryEntry);
  }

  /** Why the task does not run, or what became of it, the most telling first. */
  why(taskId: string, options: InTransaction = {}): Promise<Reason[]> {
    return this.#connection.ask(options, (db) => whyTask(db, taskId));
  }

  /**
   * Have each later transition of a task pushed to an address; with `id`, in place of that config.
   * Resolves to its id. An address in a private network is refused with a PermanentError, unless
   * `allowPrivate` says that the jobs deliver there (ALLOW_PRIVATE_WEBHOOKS).
   */
  async setPushConfig(
    taskId: string,
    receiver: PushReceiver & { readonly id?: string | undefined },
    options: InTransaction & Saying & { readonly allowPrivate?: boolean } = {},
  ): Promise<string> {
    if (options.allowPrivate !== true && URL.canParse(receiver.url)) {
      await refusePrivateHost(new URL(receiver.url));
    }
    return await this.#operate(options, (db) => setPushConfig(db, taskId, receiver));
  }

  /** Push nothing more there; false where the task has no such config. */
  deletePushConfig(
    taskId: string,
    id: string,
    options: InTransaction & Saying = {},
  ): Promise<boolean> {
    return this.#operate(options, (db) => deletePushConfig(db, taskId, id));
  }

  /** The push configs of a task, without their secrets. */
  listPushConfigs(taskId: string, options: InTransaction = {}): Promise<ListedPushConfig[]> {
    return this.#connection.ask(options, (db) => listPushConfigs(db, taskId));
  }

  /** Close the connections that were opened for this client; a given pool stays open. */
  async close(): Promise<void> {
    const cache = await this.#cache;
    this.#cache = undefined;
    cache?.tasks.close();
    await cache?.tail.close();
    await this.#connection.close();
  }
}

/**
 * A client of the queue, typed by the handlers that run there:
 *
 *     const client = createClient<{ noop: typeof import("./tasks/noop.ts").default }>();
 *     const task = await client.enqueue("noop", { a: 1 });
 *
 * Without options it finds the database as the CLI does: DATABASE_URL, POSTGRES_*, or the
 * server that `triaged up` runs in this folder.
 */
export function createClient<Known extends Handlers = Handlers>(
  options: ClientOptions = {},
): Client<Known> {
  return new Client<Known>(options);
}

/**
 * Ask the database of a client, for an application that keeps tables beside the queue's: in the
 * caller's transaction, where `options` names one, and with the errors of the client's own verbs.
 *
 * @internal
 */
export function askWith<Answer>(
  client: Client,
  options: InTransaction,
  question: (db: Database) => Promise<Answer>,
): Promise<Answer> {
  return connectionOf(client).ask(options, question);
}
