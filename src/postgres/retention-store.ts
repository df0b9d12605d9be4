/** Upkeep of the tables. Each function needs the rights of the schema's owner or triaged_owner. */
import { z } from "zod";
import type { Database } from "./database.ts";

/** What a new partition waits for locks: writers queue behind it meanwhile. */
const LOCK_TIMEOUT = "2s";

/**
 * Make the partitions of today and the days ahead; resolves to how many were missing.
 * Throws 55P03 when their lock cannot be had soon: another run may be luckier.
 */
export async function createPartitions(
  db: Database,
  { daysAhead }: { daysAhead: number },
): Promise<number> {
  const [row] = await db.query({
    // One statement: behind a pooler, the next one may run in another session.
    text: `select triaged.create_partitions($1) as made
           from set_config('lock_timeout', $2, true)`,
    values: [daysAhead, LOCK_TIMEOUT],
  });
  return z.object({ made: z.int() }).parse(row).made;
}

/**
 * Drop the partitions that are older than so many days; 0 = keep for ever. Resolves to
 * their names. One that is in use stays.
 */
export async function dropExpiredPartitions(
  db: Database,
  { taskDays, historyDays }: { taskDays: number; historyDays: number },
): Promise<string[]> {
  const rows = await db.query({
    text: "select dropped as name from triaged.drop_expired_partitions($1, $2) as dropped",
    values: [taskDays, historyDays],
  });
  return rows.map((row) => z.object({ name: z.string() }).parse(row).name);
}

const Expired = z.object({
  dedupe_keys: z.int(),
  triage_results: z.int(),
  workers: z.int(),
});
export type Expired = z.output<typeof Expired>;

/** Delete what expired where there are no partitions, at most `rowsMax` of each table. */
export async function expireRows(db: Database, { rowsMax }: { rowsMax: number }): Promise<Expired> {
  const [row] = await db.query({
    text: "select dedupe_keys, triage_results, workers from triaged.expire_rows($1)",
    values: [rowsMax],
  });
  return Expired.parse(row);
}
