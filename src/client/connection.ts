import { pino } from "pino";
import { z } from "zod";
import { locateDatabase } from "../database/connection-file.ts";
import { type Database, DEFAULT_SCHEMA, inSchema, type Queryable } from "../database/database.ts";
import { openPool } from "../database/pool.ts";
import { isPartitionMade } from "../database/sqlstate.ts";
import { type PoolConfig, readConfig } from "../settings/config.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "../settings/database-url.ts";
import { SETTINGS } from "../settings/variables.ts";

/** Connections of a client that was given none. */
const POOL = { max: 10, acquireTimeoutMs: 30_000, recycleMs: 3_600_000 };

/** Where the queue is. The first that is given counts; with none, what the CLI would take. */
export type ClientOptions = {
  /** A pool (or client) of `pg` that is the caller's: it is never closed here. */
  readonly pool?: Queryable;
  /** `postgres://…`, with sslmode as libpq means it; a remote server is verified in full. */
  readonly connectionString?: string;
  /** @default "triaged", or TRIAGED_SCHEMA where the environment names the database */
  readonly schema?: string;
};

/** Any client of `pg`: what is done through it belongs to its transaction. */
export type InTransaction = { readonly db?: Queryable | undefined };

/** What a client talks through. `close` ends only what was opened for it. */
type Connected = { readonly queryable: Queryable; readonly close: () => Promise<void> };

/**
 * A client's way to the database: made by the first question, so that making a client
 * cannot fail, and made again by the next one where it could not be made.
 */
export class QueueConnection {
  readonly #options: ClientOptions;
  readonly #schema: string | undefined;
  #connected: Promise<Connected> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#schema = options.schema === undefined ? undefined : checkSchema(options.schema);
  }

  /**
   * Ask the queue, in the caller's transaction if there is one. Throws QueueErrors. Where a
   * partition was made while a statement of its own waited, it asks once more: nothing was done.
   */
  async ask<Answer>(
    { db }: InTransaction,
    question: (db: Database) => Promise<Answer>,
  ): Promise<Answer> {
    const queryable = db ?? (await this.#connect()).queryable;
    const work = () => withQueueErrors(() => question(inSchema(queryable, this.#schemaName())));
    try {
      return await work();
    } catch (err) {
      if (!isPartitionMade(err)) {
        throw err;
      }
      if (db !== undefined || !isPool(queryable)) {
        throw Object.assign(err, {
          hint: "a partition was made meanwhile: run the transaction again",
        });
      }
      return await work();
    }
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await (await connected)?.close();
  }

  async #connect(): Promise<Connected> {
    this.#connected ??= connect(this.#options);
    try {
      return await this.#connected;
    } catch (err) {
      this.#connected = undefined;
      throw err;
    }
  }

  #schemaName(): string {
    const { pool, connectionString } = this.#options;
    const isNamed = pool !== undefined || connectionString !== undefined;
    return (
      this.#schema ?? (isNamed ? DEFAULT_SCHEMA : readConfig(undefined, { isLibrary: true }).schema)
    );
  }
}

/** Whether each statement is a transaction of its own. */
function isPool(queryable: Queryable): boolean {
  return "totalCount" in queryable;
}

async function connect({ pool, connectionString }: ClientOptions): Promise<Connected> {
  if (pool !== undefined) {
    return { queryable: pool, close: () => Promise.resolve() };
  }
  if (connectionString !== undefined) {
    return open(parseDatabaseUrl(connectionString), POOL);
  }
  const config = readConfig(undefined, { isLibrary: true });
  return open(await locateDatabase(config.connection), config.pool);
}

/** Silent: a library does not write to the streams of its host. */
function open(database: DatabaseUrl, settings: PoolConfig): Connected {
  const logger = pino({ enabled: false });
  const pool = openPool(database, { role: "client", pool: settings, logger });
  return { queryable: pool, close: () => pool.end() };
}

/** It becomes part of the statements, so it must be a name and nothing else. */
function checkSchema(schema: string): string {
  const parsed = SETTINGS.shape.TRIAGED_SCHEMA.safeParse(schema);
  if (!parsed.success) {
    throw new TypeError(`schema: ${parsed.error.issues[0]?.message}, got "${schema}"`);
  }
  return parsed.data;
}

const CODES = {
  TR001: "unknown_task",
  TR002: "illegal_transition",
  TR003: "limit_exceeded",
  "22023": "bad_argument",
} as const;
export type QueueErrorCode = (typeof CODES)[keyof typeof CODES];

/** The queue refused what was asked: nothing was changed, and asking again does not help. */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: QueueErrorCode;
  /** What to do about it, or null. */
  readonly hint: string | null;

  constructor(
    message: string,
    options: { code: QueueErrorCode; hint: string | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.hint = options.hint;
  }
}

const Refusal = z.object({
  code: z.enum(["TR001", "TR002", "TR003", "22023"]),
  message: z.string(),
  hint: z.string().optional(),
});

/** Run `work`; a refusal by the queue becomes a QueueError, anything else stays what it is. */
async function withQueueErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (err) {
    const refusal = Refusal.safeParse(err);
    if (!refusal.success) {
      throw err;
    }
    const { code, message, hint = null } = refusal.data;
    throw new QueueError(message, { code: CODES[code], hint, cause: err });
  }
}
