/** LISTEN: how an idle worker learns of a task, and a busy one of a cancel. */
import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { type RetryDelays, retry } from "../system/retry.ts";
import { DatabaseClient } from "./connection.ts";
import { type Database, inSchema, withSchema } from "./database.ts";
import { keepSession, USES_MAX } from "./pool.ts";
import { codeOf } from "./sqlstate.ts";

const RECONNECT_DELAYS: RetryDelays = { baseMs: 100, maxMs: 5_000 };
/** An enqueue that looks whether a worker is idle has the lock for microseconds. */
const LOCK_TRIES = 4;
const LOCK_AGAIN_MS = 2;
/** A server that takes longer is as good as gone: the worker polls without its answer. */
const ANSWER_MS_MAX = 5_000;

/**
 * `notified` has the payload of the notification: a lane as JSON, or "". `cancel`: a cancel of an
 * attempt was requested.
 */
export type NotificationEvents = { notified: [string]; cancel: []; lost: [Error]; restored: [] };

/**
 * Listens for the notifications that enqueue sends to idle workers. It has a session of its own,
 * on which it shares the advisory lock that says "a worker is idle". Without a connection no
 * notification comes, and the worker finds tasks by its poll; the listener connects again by
 * itself, for ever.
 */
export class NotificationListener extends EventEmitter<NotificationEvents> {
  readonly #config: ClientConfig;
  readonly #schema: string;
  readonly #stop = new AbortController();
  #client: DatabaseClient | null = null;
  #session: Database | null = null;
  #armed = false;

  constructor(config: ClientConfig, schema: string) {
    super();
    this.#config = config;
    this.#schema = schema;
  }

  /** Whether enqueues notify now. */
  get armed(): boolean {
    return this.#armed;
  }

  /**
   * The session that listens, for the claim that follows a notification. The server has its process
   * awake then, where that of a pool's connection must be woken: 0.1 ms of 3.5 (bench latency). It
   * is replaced when it does not answer, and as often as a pool's.
   */
  get session(): Database | null {
    return this.#session;
  }

  /** Connect, and stay connected until `close`. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    const mayPass = (err: unknown) => {
      this.emit("lost", err instanceof Error ? err : new Error(String(err)));
      return true;
    };
    try {
      await retry((onConnected) => this.#listenUntilLost(onConnected), {
        delays: RECONNECT_DELAYS,
        signal,
        mayPass,
      });
    } catch {
      // Lost when it was closed already.
    }
  }

  /**
   * Say that the worker is about to be idle. It then looks for tasks once more, because one
   * may have come just before. False without a connection, and where a session keeps the lock
   * exclusively, as anybody can who may connect: it is not waited for. The worker polls then,
   * and each enqueue takes that session for an idle worker, and notifies.
   */
  async arm(): Promise<boolean> {
    for (let tries = 1; !this.#armed && this.#client !== null; tries += 1) {
      this.#armed = await this.#lock("pg_try_advisory_lock_shared");
      if (tries === LOCK_TRIES) {
        break;
      }
      if (!this.#armed) await delay(LOCK_AGAIN_MS);
    }
    return this.#armed;
  }

  /** Say that the worker is busy: no enqueue needs to notify. */
  async disarm(): Promise<void> {
    if (this.#armed) {
      this.#armed = false;
      await this.#lock("pg_advisory_unlock_shared");
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#client?.end().catch(() => undefined);
  }

  async #lock(call: "pg_try_advisory_lock_shared" | "pg_advisory_unlock_shared"): Promise<boolean> {
    try {
      const answer = await this.#client?.query<{ done: boolean }>(
        withSchema(`select ${call}(triaged.lock_key('wake-up', 0)) as done`, this.#schema),
      );
      return answer?.rows[0]?.done === true;
    } catch (err) {
      // Without a code it did not come from the server: `run` connects again.
      if (codeOf(err) === null) {
        void this.#client?.end().catch(() => undefined);
      }
      return false;
    }
  }

  /** Resolves when it was closed while it connected. Throws what ended the connection. */
  async #listenUntilLost(onConnected: () => void): Promise<void> {
    const client = new DatabaseClient({ ...this.#config, query_timeout: ANSWER_MS_MAX });
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    client.once("error", lost.reject);
    client.once("end", () => lost.reject(new Error("connection ended")));
    // Later errors of a connection that is gone already.
    client.on("error", () => undefined);
    client.on("notification", ({ payload = "" }) => {
      if (payload === "cancel") {
        this.emit("cancel");
      } else {
        this.emit("notified", payload);
      }
    });
    try {
      await client.connect();
      await keepSession(client);
      await client.query(withSchema('listen "triaged.wake_up"', this.#schema));
      this.#client = client;
      this.#session = endingOnError(client, this.#schema);
      if (this.#stop.signal.aborted) {
        // Closed while it connected.
        return;
      }
      onConnected();
      this.emit("restored");
      await lost.promise;
    } finally {
      this.#client = null;
      this.#session = null;
      this.#armed = false;
      await client.end().catch(() => undefined);
    }
  }
}

/**
 * A session for statements that may as well run on another one: it ends where one of them fails,
 * since the next would wait behind one that is not answered, and after as many as a pool's.
 */
function endingOnError(client: Client, schema: string): Database {
  const database = inSchema(client, schema);
  let uses = 0;
  return {
    schema,
    query: async (statement) => {
      try {
        return await database.query(statement);
      } catch (err) {
        uses = USES_MAX;
        throw err;
      } finally {
        uses += 1;
        if (uses > USES_MAX) void client.end().catch(() => undefined);
      }
    },
  };
}
