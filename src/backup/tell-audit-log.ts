/** What backups, restores, drills and resets write to the audit log of a queue. */
import { recordEvent } from "../database/audit.ts";
import { DatabaseClient } from "../database/connection.ts";
import { inSchema } from "../database/database.ts";
import { clientConfig } from "../database/pool.ts";
import type { MaintenanceEvent } from "../model/audit.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";

const CONNECT_MS_MAX = 5_000;
/** Of a message. */
const ERROR_LENGTH_MAX = 1_000;

/**
 * Write it with a connection of its own. Resolves to whether that was possible: where the database
 * is away, or of a version without an audit log, what was done is done all the same.
 */
export async function tellAuditLog(
  queue: { readonly database: DatabaseUrl; readonly schema: string },
  event: MaintenanceEvent,
  details: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const client = new DatabaseClient({
    ...clientConfig(queue.database, "audit"),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await recordEvent(inSchema(client, queue.schema), event, details);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What went wrong, as details have it. */
export function toldError(err: unknown): string {
  return (err instanceof Error ? err.message : String(err)).slice(0, ERROR_LENGTH_MAX);
}
