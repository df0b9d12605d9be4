/**
 * Single enqueues that come while another is on its way share a transaction. Nothing waits for a
 * timer: the first goes at once, and what comes until it is answered goes together next. Each gets
 * the answer that it would have got alone, once the transaction has committed.
 */
import type { Database } from "../database/database.ts";
import { inEnqueueSpan, insertTask, insertTasks } from "../database/producer.ts";
import { isSureUndone } from "../database/sqlstate.ts";
import { toJson } from "../model/json.ts";
import type { Enqueued, NewTask } from "../model/task.ts";
import { outsideSpans } from "../system/tracing.ts";
import type { Caller } from "./keys.ts";

export type BatchLimits = {
  /** Tasks in one transaction, and the bytes of their payloads and metadata together. */
  readonly tasksMax: number;
  readonly bytesMax: number;
  /** A task with more bytes goes alone: it would keep its neighbours waiting. */
  readonly taskBytesMax: number;
  /** A batch waits no longer than this for somebody else's lock, such as that of a key. */
  readonly lockMs: number;
};

export const BATCH_LIMITS: BatchLimits = {
  tasksMax: 200,
  bytesMax: 1_048_576,
  taskBytesMax: 65_536,
  lockMs: 100,
};

/** Does its work in one transaction in the caller's name. */
type Write = <Result>(
  caller: Caller,
  work: (db: Database) => Promise<Result>,
  options?: { readonly lockMs: number },
) => Promise<Result>;

type Waiting = {
  readonly task: NewTask;
  readonly bytes: number;
  readonly resolve: (answer: Enqueued | PromiseLike<Enqueued>) => void;
  readonly reject: (reason: unknown) => void;
};

export class EnqueueBatches {
  readonly #write: Write;
  readonly #limits: BatchLimits;
  /** Of those with a transaction under way. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor({ write, limits = BATCH_LIMITS }: { write: Write; limits?: BatchLimits }) {
    this.#write = write;
    this.#limits = limits;
  }

  /** Enqueue a task. Rejects as the statement for this task alone does. */
  async enqueue(caller: Caller, task: NewTask): Promise<Enqueued> {
    return await inEnqueueSpan(task, (traced) => {
      const bytes = bytesOf(traced);
      return bytes > this.#limits.taskBytesMax
        ? this.#alone(caller, traced)
        : this.#together(caller, traced, bytes);
    });
  }

  async #alone(caller: Caller, task: NewTask): Promise<Enqueued> {
    return await this.#write(caller, (db) => insertTask(db, task));
  }

  async #together(caller: Caller, task: NewTask, bytes: number): Promise<Enqueued> {
    const { promise, resolve, reject } = Promise.withResolvers<Enqueued>();
    // History names one actor for a transaction. A key may be held by others, whom tasks without one
    // need not wait for.
    const group = JSON.stringify([caller.name, task.dedupeKey !== undefined]);
    const waiting = this.#waiting.get(group) ?? [];
    waiting.push({ task, bytes, resolve, reject });
    if (!this.#waiting.has(group)) {
      this.#waiting.set(group, waiting);
      // It is no part of the request that happens to come first.
      void outsideSpans(() => this.#sendAll(caller, group, waiting));
    }
    return await promise;
  }

  async #sendAll(caller: Caller, group: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      await this.#send(caller, waiting.splice(0, this.#countOfNext(waiting)));
    }
    this.#waiting.delete(group);
  }

  #countOfNext(waiting: readonly Waiting[]): number {
    let bytes = 0;
    const beyond = waiting.findIndex((one) => (bytes += one.bytes) > this.#limits.bytesMax);
    // One goes in any case.
    return Math.max(1, Math.min(beyond === -1 ? waiting.length : beyond, this.#limits.tasksMax));
  }

  /** Settles each of them, and never rejects. */
  async #send(caller: Caller, batch: readonly Waiting[]): Promise<void> {
    const [first, ...others] = batch;
    if (first !== undefined && others.length === 0) {
      const answer = this.#alone(caller, first.task);
      first.resolve(answer);
      await answer.catch(() => undefined);
      return;
    }
    try {
      const answers = await this.#write(
        caller,
        async (db) =>
          pairs(
            batch,
            await insertTasks(
              db,
              batch.map(({ task }) => task),
            ),
          ),
        { lockMs: this.#limits.lockMs },
      );
      for (const [{ resolve }, answer] of answers) resolve(answer);
    } catch (err) {
      // One of them cannot be, or waits for a lock: which one is seen when each goes by itself.
      // Nobody waits for these, whose locks may take their time.
      const isUndone = isSureUndone(err);
      for (const { task, resolve, reject } of batch) {
        if (isUndone) {
          resolve(this.#alone(caller, task));
        } else {
          reject(err);
        }
      }
    }
  }
}

/** As far as they have no limit of their own. */
function bytesOf({ payload, metadata }: NewTask): number {
  const ofMetadata = metadata === undefined ? 0 : Buffer.byteLength(toJson(metadata));
  return Buffer.byteLength(payload) + ofMetadata;
}

function pairs(batch: readonly Waiting[], answers: readonly Enqueued[]) {
  if (answers.length !== batch.length) {
    throw new Error(`expected ${batch.length} answers, got ${answers.length}`);
  }
  return answers.flatMap((answer, place): [Waiting, Enqueued][] => {
    const waiting = batch[place];
    return waiting === undefined ? [] : [[waiting, answer]];
  });
}
