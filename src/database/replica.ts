/**
 * Reads on a standby, each of which proves how old its answer may be. How far the primary is, by
 * the log it has written, is noted with the time of this process, again and again. A session of a
 * standby that has replayed as far as a note has all that was acknowledged before it: however the
 * clocks of the servers go, and however long nothing is written.
 */
import type { Pool } from "pg";
import type { Logger } from "pino";
import { z } from "zod";
import { Observation } from "../system/observation.ts";
import { every } from "../system/waiting.ts";
import { type Database, inSchema } from "./database.ts";
import { codeOf, isTransient } from "./sqlstate.ts";
import { asRole } from "./transaction.ts";

/** How often the primary is asked how far it is, at most, in milliseconds. */
const EVERY_MS_MAX = 1_000;
/** Of a look at either server. */
const ANSWER_MS_MAX = 1_000;
/** A read that is to see what its caller has just done waits so long for the standby. */
const CATCH_UP_MS_MAX = 200;
const CATCH_UP_AGAIN_MS = 10;
const NOTES_MAX = 600;
const SERVERS_MAX = 100;

/**
 * `used`: reads go there. `behind`: it lacks more than is allowed. `away`: it does not answer.
 * `not_followed`: since the primary is another one, it has replayed nothing of that one yet.
 * `no_standby`: what answers is none, or one of another cluster. `unknown`: the primary does not say
 * how far it is.
 */
export const REPLICA_STATES = [
  "used",
  "behind",
  "away",
  "not_followed",
  "no_standby",
  "unknown",
] as const;
export type ReplicaState = (typeof REPLICA_STATES)[number];

export type ReplicaStatus = {
  readonly state: ReplicaState;
  /** Which standby that was: address and port, as it knows itself; null: none answered. */
  readonly server: string | null;
  /** Its answers are at most so old; null: not known. */
  readonly lagMs: number | null;
};

/** Told after each look. */
export const replicaLooked = new Observation<ReplicaStatus>();

/** `failed`: it began, and did not come to its end. `asked_for`: the caller wants the primary. */
export type FallbackReason = Exclude<ReplicaState, "used"> | "failed" | "asked_for";

/** Who answered a read that might go to a standby; `reason`: why it was the primary. */
export type ReadFrom =
  | { readonly by: "replica"; readonly server: string; readonly lagMs: number }
  | { readonly by: "primary"; readonly reason: FallbackReason };
export const readAnswered = new Observation<ReadFrom["by"]>();

/** What a server says of itself. Positions are bytes of its log. */
const Place = z.object({
  standby: z.boolean(),
  position: z.string().nullable(),
  /** Changes with each start of the server. */
  started: z.string(),
  /** And the database in it: the log is of all of them. */
  cluster: z.string(),
  server: z.string(),
});
type Place = z.output<typeof Place>;

const PLACE_SQL = `
  select
    pg_catalog.pg_is_in_recovery() as standby,
    pg_catalog.pg_wal_lsn_diff(
      case
        when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_lsn()
      end,
      '0/0'
    )::text as position,
    pg_catalog.pg_postmaster_start_time()::text as started,
    (select system_identifier::text from pg_catalog.pg_control_system()) || '/' || (
      select oid::text from pg_catalog.pg_database where datname = pg_catalog.current_database()
    ) as cluster,
    coalesce(
      pg_catalog.host(pg_catalog.inet_server_addr()) || ':' || pg_catalog.inet_server_port(), 'socket'
    ) as server`;

async function readPlace(db: Database): Promise<Place> {
  const [row] = await db.query({ text: PLACE_SQL });
  return Place.parse(row);
}

/** The primary had written the log up to there, at `atMs` of performance.now() at the latest. */
type Note = { readonly atMs: number; readonly position: bigint };

/** What is known of how far the primary is, the newest last. Begins anew with another primary. */
class PrimaryNotes {
  readonly #ask: () => Promise<Place>;
  #notes: Note[] = [];
  #primary: string | null = null;
  #cluster: string | null = null;
  /** Per start of a standby: how far it was when first met beside this primary; null: it follows. */
  readonly #met = new Map<string, bigint | null>();
  #asked: { readonly atMs: number; readonly note: Promise<Note> } | null = null;

  constructor(ask: () => Promise<Place>) {
    this.#ask = ask;
  }

  /** A note of `sinceMs` or later. Throws where the primary does not answer. */
  async since(sinceMs: number): Promise<Note> {
    const newest = this.#notes.at(-1);
    if (newest !== undefined && newest.atMs >= sinceMs) {
      return newest;
    }
    if (this.#asked === null || this.#asked.atMs < sinceMs) {
      const asked = { atMs: performance.now(), note: this.#note() };
      this.#asked = asked;
      // Awaited below by whoever came first, and by others who came meanwhile.
      asked.note
        .catch(() => undefined)
        .finally(() => {
          if (this.#asked === asked) this.#asked = null;
        });
    }
    return await this.#asked.note;
  }

  /** How a standby stands to what was noted: `asOfMs` is null where it is behind every note. */
  judge(place: Place): { readonly state: ReplicaState; readonly asOfMs: number | null } {
    const { standby, position, cluster, started } = place;
    if (!standby || position === null || cluster !== this.#cluster) {
      return { state: "no_standby", asOfMs: null };
    }
    const replayed = BigInt(position);
    const note = this.#notes.findLast((each) => each.position <= replayed);
    if (note === undefined) {
      return { state: "behind", asOfMs: null };
    }
    if (!this.#follows(started, replayed)) {
      return { state: "not_followed", asOfMs: null };
    }
    return { state: "used", asOfMs: note.atMs };
  }

  /**
   * Whether it is of this primary's history. One that had replayed more of the lost primary than the
   * promoted standby has is far enough by its position, and never moves again.
   */
  #follows(started: string, replayed: bigint): boolean {
    const first = this.#met.get(started);
    const follows =
      first === null ||
      replayed === this.#notes.at(-1)?.position ||
      (first !== undefined && replayed > first);
    if (first === undefined && this.#met.size >= SERVERS_MAX) this.#met.clear();
    if (follows) this.#met.set(started, null);
    else if (first === undefined) this.#met.set(started, replayed);
    return follows;
  }

  async #note(): Promise<Note> {
    const atMs = performance.now();
    const { standby, position, started, cluster } = await this.#ask();
    if (standby || position === null) {
      throw new Error("expected the primary, got a standby");
    }
    if (started !== this.#primary || cluster !== this.#cluster) {
      this.#primary = started;
      this.#cluster = cluster;
      this.#notes = [];
      this.#met.clear();
    }
    const note = { atMs, position: BigInt(position) };
    const newest = this.#notes.at(-1);
    if (newest !== undefined && newest.position >= note.position) {
      // At rest, or answered out of turn.
      this.#notes.pop();
      this.#notes.push({ ...newest, atMs: Math.max(newest.atMs, atMs) });
    } else {
      this.#notes.push(note);
      if (this.#notes.length > NOTES_MAX) this.#notes.shift();
    }
    return note;
  }
}

/** Of a read that only the primary can answer. */
class NotAdmitted extends Error {
  readonly state: Exclude<ReplicaState, "used">;

  constructor(state: Exclude<ReplicaState, "used">) {
    super(`the standby is not read: ${state}`);
    this.state = state;
  }
}

export type ReadOptions = {
  /** Of the database; null: the rights of the login. */
  readonly role: string | null;
  readonly statementMsMax: number;
  /** The answer has what was acknowledged by then, in milliseconds of performance.now(). */
  readonly sinceMs?: number | undefined;
};

/** The standbys of DATABASE_REPLICA_URL, as long as they are fit to be read. */
export class Replica {
  readonly #pool: Pool;
  readonly #looks: Pool;
  readonly #notes: PrimaryNotes;
  readonly #schema: string;
  /** Beyond that the primary answers. */
  readonly lagMsMax: number;
  readonly #logger: Logger;
  #status: ReplicaStatus = { state: "unknown", server: null, lagMs: null };

  /**
   * `pool` and `looks` are of the standbys, `primary` of the primary: the latter two are for looks
   * alone, so that no read makes them wait.
   */
  constructor(options: {
    readonly pool: Pool;
    readonly looks: Pool;
    readonly primary: Pool;
    readonly schema: string;
    readonly lagMsMax: number;
    readonly logger: Logger;
  }) {
    const { primary, schema } = options;
    this.#pool = options.pool;
    this.#looks = options.looks;
    this.#schema = schema;
    this.lagMsMax = options.lagMsMax;
    this.#logger = options.logger;
    this.#notes = new PrimaryNotes(() =>
      readPlace(inSchema(primary, schema, { answerMsMax: ANSWER_MS_MAX })),
    );
  }

  /** As of the newest look. */
  get status(): ReplicaStatus {
    return this.#status;
  }

  /** Look at both servers until the signal aborts. Never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(EVERY_MS_MAX, this.lagMsMax / 4);
    await every(
      () => everyMs,
      signal,
      () => this.look(),
    );
  }

  /** Look once. Never rejects. */
  async look(): Promise<void> {
    const before = this.#status.state;
    this.#status = await this.#lookAtBoth();
    const { state, server, lagMs } = this.#status;
    if (state !== before) {
      const says = { state, before, server, lagMs };
      if (state === "used") {
        this.#logger.info(says, "lists, pages and metrics are read from a standby");
      } else {
        this.#logger.warn(says, "no standby is fit to be read: the primary answers all");
      }
    }
    replicaLooked.tell(this.#status);
  }

  /**
   * Do `work` on a standby, in a transaction that cannot write. Null where none is fit for it: then
   * the primary is to be asked. Throws what the work throws on a server that is well.
   */
  async read<Answer>(
    options: ReadOptions,
    work: (db: Database) => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly from: ReadFrom } | ReadFrom> {
    const { state } = this.#status;
    if (state !== "used") {
      return { by: "primary", reason: state };
    }
    let place: { server: string; lagMs: number } | undefined;
    try {
      const answer = await asRole(
        this.#pool,
        this.#schema,
        {
          role: options.role,
          isReadOnly: true,
          settings: {},
          statementMsMax: options.statementMsMax,
          admit: async (db) => {
            place = await this.#admit(db, options.sinceMs ?? Number.NEGATIVE_INFINITY);
          },
        },
        work,
      );
      const { server = "", lagMs = 0 } = place ?? {};
      return { answer, from: { by: "replica", server, lagMs } };
    } catch (err) {
      if (err instanceof NotAdmitted) {
        return { by: "primary", reason: err.state };
      }
      if (!isOfStandby(err)) {
        throw err;
      }
      this.#logger.debug({ err }, "a read failed on the standby; the primary is asked");
      return { by: "primary", reason: "failed" };
    }
  }

  /** Throws unless this very session has all that it must have. */
  async #admit(db: Database, sinceMs: number): Promise<{ server: string; lagMs: number }> {
    const startedMs = performance.now();
    const boundMs = startedMs - this.lagMsMax;
    try {
      await this.#notes.since(Math.max(boundMs, sinceMs));
    } catch {
      throw new NotAdmitted("unknown");
    }
    for (;;) {
      const askedMs = performance.now();
      const place = await readPlace(db);
      const { state, asOfMs } = this.#notes.judge(place);
      if (state !== "used") {
        throw new NotAdmitted(state);
      }
      if (asOfMs === null || asOfMs < askedMs - this.lagMsMax) {
        throw new NotAdmitted("behind");
      }
      if (asOfMs >= sinceMs) {
        return { server: place.server, lagMs: lagOf(asOfMs) };
      }
      if (askedMs - startedMs > CATCH_UP_MS_MAX) {
        throw new NotAdmitted("behind");
      }
      await new Promise((resolve) => setTimeout(resolve, CATCH_UP_AGAIN_MS));
    }
  }

  async #lookAtBoth(): Promise<ReplicaStatus> {
    const db = inSchema(this.#looks, this.#schema, { answerMsMax: ANSWER_MS_MAX });
    // The standby first: it is never further than a primary that is asked later.
    const place = await readPlace(db).catch((err: unknown) => {
      this.#logger.debug({ err }, "the standby did not answer");
      return null;
    });
    try {
      await this.#notes.since(performance.now());
    } catch (err) {
      this.#logger.debug({ err }, "the primary did not say how far it is");
      return { state: "unknown", server: place?.server ?? null, lagMs: null };
    }
    if (place === null) {
      return { state: "away", server: null, lagMs: null };
    }
    const { state, asOfMs } = this.#notes.judge(place);
    const lagMs = asOfMs === null ? null : lagOf(asOfMs);
    const isBehind = lagMs !== null && lagMs > this.lagMsMax;
    return { state: isBehind ? "behind" : state, server: place.server, lagMs };
  }
}

function lagOf(asOfMs: number): number {
  return Math.max(0, Math.round(performance.now() - asOfMs));
}

/** A statement that took too long. */
const CANCELLED = "57014";

/**
 * Whether the primary may do better: the standby is away, had to cancel for what it replays, or
 * has not got the newest functions yet. What takes too long here takes too long there.
 */
function isOfStandby(err: unknown): boolean {
  const code = codeOf(err);
  return (isTransient(err) && code !== CANCELLED) || code?.startsWith("42") === true;
}
