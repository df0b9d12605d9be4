import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Database } from "./database.ts";

const ForeignLock = z.object({
  lock: z.string(),
  /** Null for a prepared transaction, whose name is its application. */
  pid: z.int().nullable(),
  role: z.string(),
  application: z.string().nullable(),
});

/** An advisory lock of the queue that a session has, or waits for, which it is not for. */
export type ForeignLock = z.output<typeof ForeignLock>;

/** What the queue has for moments, a rescue or a migration, is gone by then. */
const LOOK_AGAIN_MS = 500;

/** Look twice, and resolve to what was there both times. */
export async function foreignLocks(
  db: Database,
  { againMs = LOOK_AGAIN_MS }: { againMs?: number } = {},
): Promise<ForeignLock[]> {
  const before = await look(db);
  if (before.length === 0) {
    return [];
  }
  await delay(againMs);
  const after = new Set((await look(db)).map(nameOf));
  return before.filter((found) => after.has(nameOf(found)));
}

async function look(db: Database): Promise<ForeignLock[]> {
  const rows = await db.query({
    text: "select lock, pid, role, application from triaged.foreign_locks()",
  });
  return rows.map((row) => ForeignLock.parse(row));
}

function nameOf({ lock, pid, application }: ForeignLock): string {
  return `${lock} ${pid ?? application}`;
}
