import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Database } from "../postgres/database.ts";
import { differingSettings, saveSetting } from "../postgres/settings-store.ts";

/**
 * Give the database what the environment says of retention, as long as nobody has told it
 * anything. From there on the database counts: two hosts with different environments would else
 * undo each other's values, and the shorter one deletes. What differs is told.
 */
export async function adoptRetention(
  db: Database,
  { retention, logger }: { readonly retention: Config["retention"]; readonly logger: Logger },
): Promise<void> {
  for (const { name, variable, given } of await differingSettings(db, retention)) {
    const outcome = await saveSetting(db, { name, value: String(given), onlyDefault: true });
    if (outcome === "changed") {
      logger.info({ name, value: given }, `the database keeps ${variable} of this environment`);
    }
  }
  for (const { name, variable, given, value } of await differingSettings(db, retention)) {
    logger.warn(
      { hint: `triaged settings set ${name} ${given}, or unset ${variable}` },
      `${variable} is ${given} here, and ${name} ${value} in the database, which counts`,
    );
  }
}
