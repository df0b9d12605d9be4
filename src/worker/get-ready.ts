import type { Database } from "../postgres/database.ts";
import type { DatabaseLink } from "./database-link.ts";
import { pause } from "./every.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { warmUp } from "./warm-up.ts";

/** A session lock that takes longer is not waited for; a connection takes some tens of ms. */
const LOCK_MS_MAX = 2_000;

/**
 * What comes before the first claim: warm connections, and the session lock. What a worker
 * holds before it has that waits for the lease when it dies: one that crashed at each start
 * would cost its tasks 15 s each time, not one.
 */
export async function getReady(
  { db, link, workerId }: { db: Database; link: DatabaseLink; workerId: string },
  heartbeat: Heartbeat,
  signal: AbortSignal,
): Promise<void> {
  const locked = new AbortController();
  void heartbeat.locked.then(() => locked.abort());
  await Promise.all([
    link.run(() => warmUp(db, workerId), signal),
    pause(LOCK_MS_MAX, AbortSignal.any([signal, locked.signal])),
  ]);
}
