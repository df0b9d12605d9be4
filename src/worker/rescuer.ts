import type { Logger } from "pino";
import { type Database, ping } from "../database/database.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import { isTransient } from "../database/sqlstate.ts";
import { mendSetback, rescueTasks } from "../database/workers.ts";
import { failpoint } from "../system/failpoint.ts";
import { every, sleep } from "../system/waiting.ts";

const INTERVAL_MS = 500;
const WORKERS_MAX = 10;
/** A clock that has gone back is mended every few seconds, and found more rarely than a death. */
const MEND_EVERY = 10;
/** The heartbeat thread tries to connect for five seconds, and waits for two between tries. */
const COME_BACK_MS = 10_000;

/** One pass: take back the tasks of some workers that died. */
async function rescueOnce(
  db: Database,
  { logger, maxRescues, onRescued }: { logger: Logger; maxRescues: number; onRescued?: () => void },
): Promise<void> {
  failpoint("rescue.before");
  const rescued = await rescueTasks(db, { maxWorkers: WORKERS_MAX, maxRescues });
  if (rescued.length > 0) {
    failpoint("rescue.answered");
    const failed = rescued.filter(({ status }) => status === "failed").length;
    logger.warn({ tasks: rescued.length, failed }, "rescued the tasks of dead workers");
    onRescued?.();
  }
}

/** Bring forward what waits for a time that the server's clock has had already. */
async function mendOnce(db: Database, { logger }: { logger: Logger }): Promise<void> {
  const tasks = await mendSetback(db);
  if (tasks > 0) {
    logger.warn({ tasks }, "the server's clock has gone back; brought forward what waited for it");
  }
}

/**
 * Look for dead workers until the signal aborts. Every worker does.
 *
 * Not right after the database was away: then every lock is free and every lease may have
 * run out, and the first worker to come back would take the tasks of all that live.
 */
export async function runRescuer(deps: {
  db: Database;
  link: DatabaseLink;
  logger: Logger;
  maxRescues: number;
  signal: AbortSignal;
  /** The workers that were found dead may have lost their locks to somebody. */
  onRescued?: () => void;
  /** What the others get to come back. @default 10000 */
  comeBackMs?: number;
}): Promise<void> {
  const { db, link, signal, comeBackMs = COME_BACK_MS } = deps;
  let wasAway = false;
  let passes = 0;
  const rescue = async () => {
    try {
      if (wasAway) {
        await ping(db);
        await sleep(comeBackMs, signal);
        wasAway = false;
      }
      await rescueOnce(db, deps);
      if (passes % MEND_EVERY === 0) {
        await mendOnce(db, deps);
      }
      passes += 1;
    } catch (err) {
      wasAway = isTransient(err);
      throw err;
    }
  };
  await every(INTERVAL_MS, signal, async () => {
    await link.run(rescue, signal).catch((err: unknown) => {
      if (!signal.aborted) {
        throw err;
      }
    });
  });
}
