/**
 * The heartbeat, in a thread and on a connection of its own: a handler that blocks the event loop
 * of its worker does not lose the worker's tasks. Tasks that have not started are released
 * meanwhile (stall-watch.ts).
 */

import { parentPort, workerData } from "node:worker_threads";
import type { ClientConfig } from "pg";
import { DatabaseClient } from "../database/connection.ts";
import { type Database, inSchema } from "../database/database.ts";
import { keepSession } from "../database/pool.ts";
import { heartbeatWorker, lockWorker, readCancelRequests } from "../database/workers.ts";
import type { LogLevel } from "../settings/variables.ts";
import { failpoint } from "../system/failpoint.ts";
import { RetryDelay, type RetryDelays, retry } from "../system/retry.ts";
import { every, sleep } from "../system/waiting.ts";
import { LOOK_MS, StallWatch } from "./stall-watch.ts";
import { StartedAttempts, type StartedAttemptsMemory } from "./started-attempts.ts";

/** What the worker tells its thread. */
export type HeartbeatSettings = {
  readonly connection: ClientConfig;
  readonly schema: string;
  readonly workerId: string;
  readonly intervalMs: number;
  /** Whether to hold the session lock; not behind a transaction pooler. */
  readonly sessionLock: boolean;
  readonly graceMs: number;
  readonly startedAttempts: StartedAttemptsMemory;
  /** The thread has a logger of its own: the worker cannot log while its event loop is blocked. */
  readonly log: { readonly name: string; readonly level: LogLevel };
};

/** What the worker asks for: an end, or a look now for the attempts that are to be cancelled. */
export type HeartbeatRequest = "stop" | "cancels";

/** What the thread tells its worker. */
export type HeartbeatMessage =
  | {
      readonly kind: "beat";
      readonly cancelRequests: readonly { taskId: string; attempt: number }[];
      /** Whether a crash would be noticed as quickly as it can be. */
      readonly isLocked: boolean;
    }
  /** The answer to "cancels". */
  | {
      readonly kind: "cancels";
      readonly cancelRequests: readonly { taskId: string; attempt: number }[];
    }
  | { readonly kind: "dead" }
  /** Tasks that had not started are released; the worker may claim again. */
  | { readonly kind: "released" };

const RECONNECT_DELAYS: RetryDelays = { baseMs: 50, maxMs: 2_000 };
/** A rescue that looks has the lock for moments; a stranger may keep it. */
const LOCK_AGAIN_MS_MIN = 50;
/** A server that takes longer is as good as gone: try another connection. */
const ANSWER_MS_MAX = 5_000;
const WATCH_AFTER_MS = 500;

/** Null while there is no connection. */
let connected: Database | null = null;

/**
 * Beat until the signal aborts, on one connection after the other. A lost database is not told of
 * here: the worker's own connections are.
 */
async function run(settings: HeartbeatSettings, signal: AbortSignal): Promise<void> {
  const beating = retry((onConnected) => beatUntilLost(settings, signal, onConnected), {
    delays: RECONNECT_DELAYS,
    signal,
    mayPass: () => true,
  });
  // It throws only once it is told to stop.
  await beating.catch(() => undefined);
}

async function beatUntilLost(
  { connection, schema, workerId, intervalMs, sessionLock }: HeartbeatSettings,
  signal: AbortSignal,
  onConnected: () => void,
): Promise<void> {
  const client = new DatabaseClient({ ...connection, query_timeout: ANSWER_MS_MAX });
  const lost = new AbortController();
  client.on("error", () => lost.abort());
  client.on("end", () => lost.abort());
  await client.connect();
  const db = inSchema(client, schema, { prepare: sessionLock });
  try {
    // Its lock goes with it, and the other workers would take this one for dead.
    if (sessionLock) await keepSession(client);
    onConnected();
    connected = db;
    let locked = !sessionLock;
    const lockDelay = new RetryDelay({ baseMs: LOCK_AGAIN_MS_MIN, maxMs: intervalMs, jitter: 0 });
    while (!signal.aborted) {
      // Refused while a rescue looks whether the lock is free.
      locked ||= await lockWorker(db, workerId);
      failpoint("lock.answered");
      const { held, cancelRequests } = await heartbeatWorker(db, workerId);
      failpoint("heartbeat.answered");
      tell(held ? { kind: "beat", cancelRequests, isLocked: locked } : { kind: "dead" });
      const waitMs = locked || !held ? intervalMs : lockDelay.nextMs();
      await sleep(waitMs, AbortSignal.any([signal, lost.signal]));
      if (lost.signal.aborted && !signal.aborted) {
        throw new Error("connection lost");
      }
    }
  } finally {
    connected = null;
    await client.end().catch(() => undefined);
  }
}

async function watch(
  { startedAttempts, workerId, graceMs, log }: HeartbeatSettings,
  signal: AbortSignal,
): Promise<void> {
  // The lock comes first: without it, a crash is noticed after the lease. The logger takes a while
  // to load, while the worker starts on the same processor.
  await sleep(WATCH_AFTER_MS, signal);
  const { createLogger } = await import("../system/logger.ts");
  const stalls = new StallWatch({
    startedAttempts: new StartedAttempts(startedAttempts),
    workerId,
    graceMs,
    logger: createLogger(log).child({ workerId }),
    db: () => connected,
    onReleased: () => tell({ kind: "released" }),
  });
  await every(LOOK_MS, signal, () => stalls.look());
}

/**
 * On the connection of the heartbeat, so that no claim waits. The next heartbeat looks as well.
 */
async function lookForCancels(workerId: string): Promise<void> {
  try {
    if (connected !== null) {
      tell({ kind: "cancels", cancelRequests: await readCancelRequests(connected, workerId) });
    }
  } catch {
    // The next heartbeat fails likewise, and connects again.
  }
}

function tell(message: HeartbeatMessage): void {
  parentPort?.postMessage(message);
}

const stop = new AbortController();
const settings: HeartbeatSettings = workerData;
parentPort?.on("message", (request: HeartbeatRequest) => {
  if (request === "stop") {
    stop.abort();
  } else {
    void lookForCancels(settings.workerId);
  }
});
await Promise.all([run(settings, stop.signal), watch(settings, stop.signal)]);
parentPort?.close();
