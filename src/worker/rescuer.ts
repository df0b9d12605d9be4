import type { Logger } from "pino";
import type { Database } from "../postgres/database.ts";
import { rescueTasks } from "../postgres/task-store.ts";
import type { DatabaseLink } from "./database-link.ts";
import { every } from "./every.ts";

const INTERVAL_MS = 500;
const WORKERS_MAX = 10;

/** One pass: take back the tasks of some workers that died. */
export async function rescueOnce(
  db: Database,
  { logger, maxRescues }: { logger: Logger; maxRescues: number },
): Promise<void> {
  const rescued = await rescueTasks(db, { maxWorkers: WORKERS_MAX, maxRescues });
  if (rescued.length > 0) {
    const failed = rescued.filter(({ status }) => status === "failed").length;
    logger.warn({ tasks: rescued.length, failed }, "rescued the tasks of dead workers");
  }
}

/** Look for dead workers until the signal aborts. Every worker does. */
export async function runRescuer(deps: {
  db: Database;
  link: DatabaseLink;
  logger: Logger;
  maxRescues: number;
  signal: AbortSignal;
}): Promise<void> {
  const { db, link, signal } = deps;
  await every(INTERVAL_MS, signal, async () => {
    await link
      .run(() => rescueOnce(db, deps), signal)
      .catch((err: unknown) => {
        if (!signal.aborted) {
          throw err;
        }
      });
  });
}
