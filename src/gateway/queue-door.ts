/**
 * The gateway's way to the queue. Each request is a transaction of its own, or shares one with
 * others of its caller that enqueue as well. A transaction begins by giving up what its requests
 * must not do: a read cannot write, and each has the role of the database that fits it. So the
 * database refuses what a door forgot.
 */
import { LRUCache } from "lru-cache";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { type Database, inSchema, ping } from "../database/database.ts";
import { type ReadFrom, type Replica, readAnswered } from "../database/replica.ts";
import { readRoles, readUsableRoles } from "../database/roles/roles.ts";
import { readSchemaState, refuseUnmigrated } from "../database/schema/state.ts";
import { isPartitionMade } from "../database/sqlstate.ts";
import { asRole, eachByItself, useScratchSettings } from "../database/transaction.ts";
import type { OperationDoor } from "../model/operation.ts";
import type { Enqueued, NewTask } from "../model/task.ts";
import { EnqueueBatches } from "./enqueue-batches.ts";
import { type Caller, mayDo } from "./keys.ts";

/** A statement that takes longer is cancelled by the server. */
const STATEMENT_MS_MAX = 10_000;

/** Roles of the database, null where the login's own rights must do. */
type DoorRoles = { readonly forReads: string | null; readonly forWrites: string | null };

/** What the record of an operation says beside who did it. */
export type Why = { readonly reason?: string; readonly door?: OperationDoor };
/** After how many milliseconds of waiting for a lock a statement fails. */
type Patience = { readonly lockMs?: number };

/** What an answer that may be from a standby must have in it. */
export type Freshness = {
  /** What this caller has done through this door is in the answer. */
  readonly caller: Caller;
  /** As is what was acknowledged by then, in milliseconds of performance.now(). */
  readonly sinceMs?: number | undefined;
  /** The primary alone is asked. @default false */
  readonly isNow?: boolean;
};
/** `from` is null where there are no standbys to choose from. */
export type Browsed<Answer> = { readonly answer: Answer; readonly from: ReadFrom | null };

/** Callers whose last change is remembered. */
const CALLERS_MAX = 10_000;

export class QueueDoor {
  readonly #pool: Pool;
  readonly #db: Database;
  readonly #maxPayloadBytes: number;
  readonly #logger: Logger;
  readonly #batches = new EnqueueBatches({
    write: (caller, work, options) => this.write(caller, work, options),
  });
  readonly #replica: Replica | null;
  /** When each caller last changed something, for as long as a standby may lack it. */
  readonly #changes = new LRUCache<string, number>({ max: CALLERS_MAX });
  #opened: Promise<DoorRoles> | undefined;

  constructor(options: {
    readonly pool: Pool;
    readonly schema: string;
    readonly maxPayloadBytes: number;
    readonly logger: Logger;
    /** Where lists are read; null: from the pool, as all else. @default null */
    readonly replica?: Replica | null;
  }) {
    this.#replica = options.replica ?? null;
    this.#pool = options.pool;
    this.#db = inSchema(options.pool, options.schema);
    this.#maxPayloadBytes = options.maxPayloadBytes;
    this.#logger = options.logger;
  }

  /**
   * See that the schema fits this version, and which roles there are; once, and again after a
   * failure. Throws an EnvironmentError for a schema that does not fit, the driver's error where the
   * database is away.
   */
  async open(): Promise<void> {
    await this.#roles();
  }

  /** Resolves where a request would find the database. */
  async ping(): Promise<void> {
    await this.open();
    await ping(this.#db);
  }

  /** For what reads statement by statement, such as somebody who waits: each by itself. */
  get reader(): Database {
    return eachByItself(this.#db.schema, (work) => this.read(work));
  }

  /** Look: in a transaction that cannot write. */
  async read<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
    const { forReads } = await this.#roles();
    return await asRole(
      this.#pool,
      this.#db.schema,
      { role: forReads, isReadOnly: true, settings: {}, statementMsMax: STATEMENT_MS_MAX },
      work,
    );
  }

  /**
   * Look over what may be as old as REPLICA_LAG_MAX_MS: on a standby that is fit for it, else on the
   * primary. For lists and figures alone, never for what somebody decides by, or is changed next.
   */
  async browse<Answer>(
    work: (db: Database) => Promise<Answer>,
    { caller, sinceMs = Number.NEGATIVE_INFINITY, isNow = false }: Freshness,
  ): Promise<Browsed<Answer>> {
    if (this.#replica === null) {
      return { answer: await this.read(work), from: null };
    }
    const { forReads } = await this.#roles();
    const changedMs = this.#changes.get(caller.name) ?? Number.NEGATIVE_INFINITY;
    const found = isNow
      ? ({ by: "primary", reason: "asked_for" } as const)
      : await this.#replica.read(
          {
            role: forReads,
            statementMsMax: STATEMENT_MS_MAX,
            sinceMs: Math.max(sinceMs, changedMs),
          },
          work,
        );
    const browsed = "answer" in found ? found : { answer: await this.read(work), from: found };
    readAnswered.tell(browsed.from.by);
    return browsed;
  }

  /** Look as the doctor does: a read that sees definitions in one way, and has short timeouts. */
  async look<Result>(ask: (db: Database) => Promise<Result>): Promise<Result> {
    return await this.read(async (db) => {
      await useScratchSettings(db);
      return await ask(db);
    });
  }

  /**
   * Change something: all of it, or nothing. History and operations name the caller. Of a caller who
   * may only look the database refuses it, should a door have forgotten to. Where a partition was
   * made while a statement waited for it, it is done once more: nothing was done. A statement that
   * waits longer than `lockMs` for a lock fails.
   */
  async write<Result>(
    caller: Caller,
    work: (db: Database) => Promise<Result>,
    { reason = caller.reason, door = caller.door ?? "rest", lockMs }: Why & Patience = {},
  ): Promise<Result> {
    const { forReads, forWrites } = await this.#roles();
    const mayWrite = mayDo(caller.role, "enqueue");
    const settings = {
      actor: caller.name,
      reason,
      door,
      max_payload_bytes: String(this.#maxPayloadBytes),
    };
    const options = {
      role: mayWrite ? forWrites : forReads,
      isReadOnly: !mayWrite,
      settings,
      statementMsMax: STATEMENT_MS_MAX,
      lockMsMax: lockMs,
    };
    try {
      return await asRole(this.#pool, this.#db.schema, options, work);
    } catch (err) {
      if (!isPartitionMade(err)) {
        throw err;
      }
      return await asRole(this.#pool, this.#db.schema, options, work);
    } finally {
      // Also where it failed: it may have been made.
      if (this.#replica !== null) this.#changes.set(caller.name, performance.now());
    }
  }

  /** Enqueue one task: as `write` would, and in one transaction with others that come meanwhile. */
  async enqueue(caller: Caller, task: NewTask): Promise<Enqueued> {
    return await this.#batches.enqueue(caller, task);
  }

  async #roles(): Promise<DoorRoles> {
    this.#opened ??= this.#look();
    try {
      return await this.#opened;
    } catch (err) {
      this.#opened = undefined;
      throw err;
    }
  }

  async #look(): Promise<DoorRoles> {
    refuseUnmigrated(await readSchemaState(this.#db));
    const roles = await readRoles(this.#db);
    const usable = roles === null ? [] : await readUsableRoles(this.#db, roles);
    const named = (kind: "readonly" | "api") =>
      roles !== null && usable.includes(kind) ? roles[kind] : null;
    const forWrites = named("api");
    const forReads = named("readonly") ?? forWrites;
    if (roles !== null && !(usable.includes("readonly") && usable.includes("api"))) {
      this.#logger.warn(
        { hint: `grant ${roles.readonly}, ${roles.api} to this login` },
        "requests have more rights in the database than they need",
      );
    }
    return { forReads, forWrites };
  }
}
