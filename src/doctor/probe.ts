import { z } from "zod";
import type { Config } from "../config.ts";
import type { DatabaseUrl } from "../database-url.ts";
import type { Database } from "../postgres/database.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { error, type Finding, warning } from "./finding.ts";

/** A number that the driver hands out as text, such as a bigint. */
export const Count = z.coerce.number();

export type ProbeContext = {
  /** In a transaction that is rolled back, with short timeouts. */
  readonly db: Database;
  readonly config: Config;
  readonly database: DatabaseUrl;
  /** The clock of this machine, in milliseconds since 1970. */
  readonly clock: () => number;
};

/** One group of questions. Each looks for itself: what one may not read hides no other. */
export type Probe = {
  /** Of the finding when the probe itself fails. */
  readonly subject: string;
  look(context: ProbeContext): Promise<readonly Finding[]>;
};

/** Look, and make a finding of what is thrown. Never throws. */
export async function runProbe(
  probe: Probe,
  begin: (look: (db: Database) => Promise<readonly Finding[]>) => Promise<readonly Finding[]>,
  context: Omit<ProbeContext, "db">,
): Promise<readonly Finding[]> {
  try {
    return await begin((db) => probe.look({ ...context, db }));
  } catch (err) {
    return [failedProbe(probe.subject, err)];
  }
}

function failedProbe(subject: string, err: unknown): Finding {
  const text = err instanceof Error ? err.message || err.name : String(err);
  switch (codeOf(err) ?? "") {
    case "42501":
      return notAllowed(subject, text, "look again as the owner of the schema, or skip this");
    case "25006":
      return notAllowed(subject, text, "look again at the primary");
    case "57014":
    case "55P03":
      return error(
        subject,
        `no answer in time: ${text}`,
        "select * from pg_stat_activity where wait_event_type = 'Lock'; or the server is too busy",
      );
    default:
      return error(subject, `the look failed: ${text}`, "see the server's log; look again");
  }
}

/** What this user, or this server, does not let anybody see is no fault of the queue. */
export function notAllowed(subject: string, why: string, advice: string): Finding {
  return warning(subject, `not allowed to look: ${why}`, advice);
}
