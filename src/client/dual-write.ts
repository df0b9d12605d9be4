/**
 * A cut-over from an older store of tasks: a decorator of its client that writes each task to
 * both, and reads a share of them here. The older store is the truth until the end: what fails
 * here is logged and counted, and never the caller's. docs/moving.md has the steps.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { enqueueGiven, findTaskByText } from "../database/import.ts";
import { getTask } from "../database/reader.ts";
import { type EnqueueOptions, givenIdOf } from "../model/task.ts";
import { readStatus } from "../model/task-status.ts";
import { type Environment, environmentOf } from "../settings/environment.ts";
import { SETTINGS } from "../settings/variables.ts";
import { createLogger } from "../system/logger.ts";
import { askWith, type Client } from "./client.ts";
import { toTask } from "./task.ts";

/** A task for both stores. */
export type StoreTaskToCreate = Pick<EnqueueOptions, "queue" | "priority" | "metadata"> & {
  /** A producer's own; absent: the older store makes it. */
  readonly id?: string | undefined;
  readonly taskType: string;
  readonly payload: Readonly<Record<string, unknown>>;
};

/** A task as either store has it. */
export type StoreTask = {
  readonly id: string;
  readonly taskType: string;
  /** A word of any of the older systems, or of ours. */
  readonly status: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly error: string | null;
  /** Null: it has not ended, or the store does not know. */
  readonly endedAt: Date | null;
};

/** The older store, adapted by who has it. Its errors are the caller's. */
export type OlderStore = {
  /** Resolves to the id. */
  readonly create: (task: StoreTaskToCreate) => Promise<string>;
  readonly get: (id: string) => Promise<StoreTask | null>;
  readonly cancel: (id: string) => Promise<void>;
  /** All ids, for the sample: those of tasks that ended lately, and of all that have not. */
  readonly ids: () => AsyncIterable<string> | Iterable<string>;
};

export type DualWriteOptions = {
  readonly older: OlderStore;
  readonly client: Client;
  /** Write both. @default DUAL_WRITE_MODE, or false */
  readonly dualWrite?: boolean;
  /** Of the tasks, those that are read here. @default READ_FROM_POSTGRES_PERCENT, or 100 */
  readonly readPercent?: number;
  /** Before ids that are bare numbers, as an import has it. @default "file" */
  readonly system?: string;
  /** How long a caller waits for us, in milliseconds. @default 2000 */
  readonly timeoutMs?: number;
  /** @default JSON lines on stderr */
  readonly logger?: Pick<Logger, "error">;
};

/** What came of it on our side. */
export type DualWriteCounts = {
  writes: number;
  writesFailed: number;
  reads: number;
  /** They were answered by the older store. */
  readsFailed: number;
  readsMissed: number;
};

const Settings = SETTINGS.pick({ DUAL_WRITE_MODE: true, READ_FROM_POSTGRES_PERCENT: true });

const TIMEOUT_MS = 2_000;

/** In the metadata of a task here: its id in the older store. */
const ID_THERE = "id_in_older_store";

/**
 * Both stores as one. Which are used follows from two settings: `false` and 0, the older alone;
 * `true`, both, with reads by percent; `false` and 100, PostgreSQL alone, the end of the cut-over.
 */
export class DualWriteStore {
  readonly counts: DualWriteCounts = {
    writes: 0,
    writesFailed: 0,
    reads: 0,
    readsFailed: 0,
    readsMissed: 0,
  };
  readonly older: OlderStore;
  readonly client: Client;
  readonly writes: "older" | "both" | "postgres";
  readonly readPercent: number;
  readonly #system: string;
  readonly #timeoutMs: number;
  readonly #logger: Pick<Logger, "error">;

  /** Throws a TypeError for settings that would read what nobody writes. */
  constructor(options: DualWriteOptions) {
    const { writesBoth, readPercent } = settingsOf(options);
    if (!writesBoth && readPercent !== 0 && readPercent !== 100) {
      throw new TypeError(
        `expected READ_FROM_POSTGRES_PERCENT to be 0 or 100 without DUAL_WRITE_MODE, got ${readPercent}`,
      );
    }
    this.older = options.older;
    this.client = options.client;
    this.writes = writesBoth ? "both" : readPercent === 0 ? "older" : "postgres";
    this.readPercent = readPercent;
    this.#system = options.system ?? "file";
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#logger = options.logger ?? createLogger({ level: "info", name: "dual-write" });
  }

  /** Resolves to the id, by which both have it. */
  async create(task: StoreTaskToCreate): Promise<string> {
    if (this.writes === "postgres") {
      const id = task.id ?? randomUUID();
      await this.#enqueue(id, task);
      return id;
    }
    const id = await this.older.create(task);
    if (this.writes === "both") {
      await this.#write(id, "create", () => this.#enqueue(id, task));
    }
    return id;
  }

  /** Null: there is no such task. One task is always read from one store, as long as that has it. */
  async get(id: string): Promise<StoreTask | null> {
    if (this.writes === "postgres") return await this.getHere(id);
    if (hundredth(id) >= this.readPercent) return await this.older.get(id);
    this.counts.reads += 1;
    try {
      const task = await this.#soon(() => this.getHere(id));
      if (task !== null) return task;
      this.counts.readsMissed += 1;
    } catch (err) {
      this.counts.readsFailed += 1;
      this.#logger.error({ err, id }, "reading a task from PostgreSQL failed");
    }
    return await this.older.get(id);
  }

  async cancel(id: string): Promise<void> {
    if (this.writes !== "postgres") await this.older.cancel(id);
    if (this.writes === "postgres") await this.#cancelHere(id);
    else if (this.writes === "both") {
      await this.#write(id, "cancel", () => this.#cancelHere(id));
    }
  }

  /** As PostgreSQL has it, whatever is set; its errors are the caller's. */
  async getHere(id: string): Promise<StoreTask | null> {
    const row = await askWith(this.client, {}, async (db) => {
      const taskId = await findTaskByText(db, this.#idHere(id));
      return taskId === null ? null : await getTask(db, taskId);
    });
    if (row === null) return null;
    const { taskType, status, payload, result, error, endedAt } = toTask(row);
    return { id, taskType, status, payload, result, error, endedAt };
  }

  #idHere(id: string): string {
    return givenIdOf(id, this.#system);
  }

  async #enqueue(id: string, { taskType, payload, ...options }: StoreTaskToCreate) {
    const { queue, priority, metadata } = options;
    await askWith(this.client, {}, (db) =>
      enqueueGiven(db, {
        task_type: taskType,
        payload,
        queue,
        priority,
        metadata: { ...metadata, [ID_THERE]: id },
        given_id: this.#idHere(id),
      }),
    );
  }

  async #cancelHere(id: string): Promise<void> {
    const taskId = await askWith(this.client, {}, (db) => findTaskByText(db, this.#idHere(id)));
    if (taskId === null) throw new Error(`PostgreSQL has no task ${id}`);
    await this.client.cancel(taskId);
  }

  /** Our failure is not the caller's: an import of the older store makes good what is missing. */
  async #write(id: string, verb: string, work: () => Promise<void>): Promise<void> {
    this.counts.writes += 1;
    try {
      await this.#soon(work);
    } catch (err) {
      this.counts.writesFailed += 1;
      this.#logger.error({ err, id, verb }, "writing a task to PostgreSQL failed");
    }
  }

  /** What takes longer goes on, and its caller does not wait for it. */
  async #soon<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      return await Promise.race([work(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Decorate the client of an older store, as the options say, or the two variables. */
export function dualWrite(options: DualWriteOptions): DualWriteStore {
  return new DualWriteStore(options);
}

/** Its id in the older store, of a task that was written to both. */
export function idInOlderStore(metadata: Readonly<Record<string, unknown>>): string | null {
  const id = metadata[ID_THERE];
  return typeof id === "string" ? id : null;
}

/** 0 to 99, always the same for a text. */
export function hundredth(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) % 100;
}

/** One of our six, or null for a word that nobody knows. */
export function statusHere({ status, error }: StoreTask): ReturnType<typeof readStatus> {
  return readStatus(status, error);
}

function settingsOf({ dualWrite: given, readPercent }: DualWriteOptions) {
  const stated: Environment = {
    ...environmentOf(["DUAL_WRITE_MODE", "READ_FROM_POSTGRES_PERCENT"]),
    ...(given === undefined ? {} : { DUAL_WRITE_MODE: String(given) }),
    ...(readPercent === undefined ? {} : { READ_FROM_POSTGRES_PERCENT: String(readPercent) }),
  };
  const values = Object.entries(stated).filter(([, value]) => value?.trim() !== "");
  const parsed = Settings.safeParse(Object.fromEntries(values));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TypeError(`${String(issue?.path[0])}: ${issue?.message}`);
  }
  const { DUAL_WRITE_MODE, READ_FROM_POSTGRES_PERCENT } = parsed.data;
  return { writesBoth: DUAL_WRITE_MODE, readPercent: READ_FROM_POSTGRES_PERCENT };
}
