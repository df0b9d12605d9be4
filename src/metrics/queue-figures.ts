/**
 * What the whole queue looks like, for metrics: read from the database when somebody scrapes, at
 * most once in five seconds. Each process that shows it shows the same.
 */
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import {
  type RollupTotal,
  readRollupTotals,
  readStorageFigures,
  type StorageFigures,
} from "../database/figures.ts";
import { queueDepth } from "../database/monitoring.ts";
import type { Replica } from "../database/replica.ts";
import type { Depth } from "../database/rows.ts";
import {
  type ConnectionFacts,
  type DeadRowFacts,
  readConnectionFacts,
  readDeadRowFacts,
  readSnapshotHolders,
} from "../database/server-facts.ts";
import { asRole } from "../database/transaction.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";

/** Tables whose dead rows cost those who claim and enqueue. */
const WATCHED_TABLES = ["live_tasks", "workers", "dedupe_keys", "effects"];

/** Counts since the process began, by their labels. They never go back. */
export type Counted = { readonly labels: readonly string[]; readonly more: number };

export type QueueFigures = {
  readonly depth: readonly Depth[];
  readonly transitions: readonly Counted[];
  readonly ended: readonly Counted[];
  readonly failures: readonly Counted[];
  readonly storage: StorageFigures;
  readonly connections: ConnectionFacts;
  readonly deadRows: readonly DeadRowFacts[];
  /** Of the oldest snapshot that others hold, where any is seen. */
  readonly snapshot: { readonly ageSeconds: number; readonly transactions: number };
  readonly tookSeconds: number;
};

/** Asks the database with the rights of its login, in transactions that cannot write. */
export class QueueReader {
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #logger: Logger;
  readonly #replica: Pick<Replica, "read"> | null;
  #since: string | null = null;
  readonly #transitions = new Increases();
  readonly #ended = new Increases();
  readonly #failures = new Increases();

  constructor(options: {
    readonly pool: Pool;
    readonly schema: string;
    readonly logger: Logger;
    readonly replica?: Pick<Replica, "read"> | null;
  }) {
    this.#replica = options.replica ?? null;
    this.#pool = options.pool;
    this.#schema = options.schema;
    this.#logger = options.logger;
  }

  /** Null where the database did not answer in time. Not twice at a time. */
  async read(): Promise<QueueFigures | null> {
    const startedMs = performance.now();
    try {
      const options = { role: null, statementMsMax: METRICS_LIMITS.figuresStatementMs };
      const askTasks = (db: Database) => this.#askTasks(db);
      const read = (await this.#replica?.read(options, askTasks)) ?? null;
      const isOfReplica = read !== null && "answer" in read;
      const found = await asRole(
        this.#pool,
        this.#schema,
        { ...options, isReadOnly: true, settings: {} },
        async (db) => ({
          ...(isOfReplica ? read.answer : await askTasks(db)),
          ...(await askServer(db)),
        }),
      );
      const { totals, ...others } = found;
      this.#since = totals.kept_from;
      return {
        ...others,
        transitions: this.#transitions.of(totals.transitions, { isOfReplica }),
        ended: this.#ended.of(totals.ended, { isOfReplica }),
        failures: this.#failures.of(totals.failures, { isOfReplica }),
        tookSeconds: (performance.now() - startedMs) / 1_000,
      };
    } catch (err) {
      this.#logger.debug({ err }, "the figures of the queue could not be read");
      return null;
    }
  }

  /** What any server with the tasks can say. */
  async #askTasks(db: Database) {
    return { depth: await queueDepth(db), totals: await readRollupTotals(db, this.#since) };
  }
}

/** What the primary alone can say: sessions, vacuum and standbys are of one server. */
async function askServer(db: Database) {
  const holders = await readSnapshotHolders(db, { queryLengthMax: 0, limit: METRICS_LIMITS.names });
  return {
    storage: await readStorageFigures(db, {
      effectsMax: METRICS_LIMITS.effects,
      standbysMax: METRICS_LIMITS.names,
    }),
    connections: await readConnectionFacts(db),
    deadRows: await readDeadRowFacts(db, WATCHED_TABLES),
    snapshot: {
      ageSeconds: Math.max(0, ...holders.map(({ age_seconds }) => age_seconds ?? 0)),
      transactions: Math.max(0, ...holders.map(({ transactions }) => transactions)),
    },
  };
}

/**
 * What was added to counts that are read again and again, over a window that moves. What was there
 * at the first look is no increase: another process, or this one before it started, told of it.
 * Labels that are new are told as 0 first, and of their increase the next time: Prometheus takes
 * what a series begins with for no increase either.
 */
class Increases {
  #before: ReadonlyMap<string, number> | null = null;

  /** A standby may lack what was told already: that is not told again when it comes. */
  of(
    totals: readonly RollupTotal[],
    { isOfReplica }: { readonly isOfReplica: boolean },
  ): Counted[] {
    const before = this.#before;
    const after = new Map<string, number>();
    const counted = totals.map(({ labels, since, kept }) => {
      const key = JSON.stringify(labels);
      const known = before === null ? since : before.get(key);
      const missing = isOfReplica ? Math.max(0, (known ?? 0) - since) : 0;
      after.set(key, known === undefined ? 0 : kept + missing);
      // Less where rollups were dropped by hand.
      return { labels, more: known === undefined ? 0 : Math.max(0, since - known) };
    });
    for (const [key, told] of isOfReplica ? (before ?? []) : []) {
      if (!after.has(key)) after.set(key, told);
    }
    this.#before = after;
    return counted;
  }
}
