import type { Database } from "../database/database.ts";
import { codeOf } from "../database/sqlstate.ts";
import type { MaintenanceJob } from "../jobs/job.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";

export type ProbeContext = {
  /** In a transaction that is rolled back, with short timeouts. */
  readonly db: Database;
  readonly config: Config;
  readonly database: DatabaseUrl;
  /** Every job that `triaged jobs` runs here. */
  readonly jobs: readonly MaintenanceJob[];
  /** The clock of this machine, in milliseconds since 1970. */
  readonly clock: () => number;
};

/** One group of questions. Each looks for itself: what one may not read hides no other. */
export type DoctorProbe = {
  /** Of the finding when the probe itself fails. */
  readonly subject: string;
  /** It tells of the login itself, or needs more rights than the role that reads. */
  readonly isOfLogin?: true;
  readonly look: (context: ProbeContext) => Promise<readonly DoctorFinding[]>;
};

/** Look, and make a finding of what is thrown. Never throws. */
export async function runProbe(
  probe: DoctorProbe,
  begin: (
    look: (db: Database) => Promise<readonly DoctorFinding[]>,
  ) => Promise<readonly DoctorFinding[]>,
  context: Omit<ProbeContext, "db">,
): Promise<readonly DoctorFinding[]> {
  try {
    return await begin((db) => probe.look({ ...context, db }));
  } catch (err) {
    return [failedProbe(probe.subject, err)];
  }
}

function failedProbe(subject: string, err: unknown): DoctorFinding {
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
export function notAllowed(subject: string, why: string, advice: string): DoctorFinding {
  return warning(subject, `${NOT_ALLOWED}: ${why}`, advice);
}

const NOT_ALLOWED = "not allowed to look";

/** Whether a finding says that nothing was found out. */
export function isUnseen({ found }: DoctorFinding): boolean {
  return found.startsWith(NOT_ALLOWED);
}

/** One thing that was looked at. An `error` must change; a `warning` costs speed or safety. */
export type DoctorFinding = {
  readonly level: "ok" | "warning" | "error";
  readonly subject: string;
  readonly found: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
};

export function ok(subject: string, found: string): DoctorFinding {
  return { level: "ok", subject, found, advice: null };
}

export function warning(subject: string, found: string, advice: string): DoctorFinding {
  return { level: "warning", subject, found, advice };
}

export function error(subject: string, found: string, advice: string): DoctorFinding {
  return { level: "error", subject, found, advice };
}
