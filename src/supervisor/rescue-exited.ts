import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import { rescueProcess } from "../database/workers.ts";

/** The server notices within moments that the sessions of a process are gone. */
const AGAIN_MS = 20;
/** Then it is left to the other workers, which look twice a second. */
const GIVE_UP_MS = 2_000;
/** For the connection that this works on: a database that takes longer is left alone. */
export const RESCUE_ANSWER_MS_MAX = 5_000;

/**
 * Take back what a process of this host held, right after it exited; nothing, where it was no
 * worker or had said goodbye. Never throws: the other workers rescue what this could not.
 */
export async function rescueExited(
  pid: number,
  {
    db,
    maxRescues,
    logger,
  }: { readonly db: Database; readonly maxRescues: number; readonly logger: Logger },
): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  try {
    for (;;) {
      const workers = await rescueProcess(db, { host: hostname(), pid, maxRescues });
      for (const { workerId, isDead, tasks, failed } of workers) {
        if (isDead) {
          logger.warn({ exitedPid: pid, workerId, tasks, failed }, "rescued at the exit");
        }
      }
      if (workers.every(({ isDead }) => isDead)) {
        return;
      }
      if (performance.now() > deadline) {
        logger.warn({ exitedPid: pid }, "its sessions live on; left to the other workers");
        return;
      }
      await delay(AGAIN_MS);
    }
  } catch (err) {
    logger.warn({ exitedPid: pid, err }, "not rescued at the exit; left to the other workers");
  }
}
