/** The audit log: what happened that is no task. Its functions are in sql/functions/audit. */
import { hostname } from "node:os";
import type { Logger } from "pino";
import { z } from "zod";
import {
  AUDIT_SEVERITIES,
  type AuditEvent,
  type AuditSeverity,
  type KnownKey,
  type MaintenanceEvent,
  type SignIn,
} from "../model/audit.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";

/** A row of the audit log. */
export const AuditRow = z.object({
  audit_id: z.string(),
  occurred_at: IsoTime,
  event_type: z.string(),
  severity: z.enum(AUDIT_SEVERITIES),
  actor: z.string(),
  login: z.string(),
  /** The action of a person that it is; it may be deleted by now. */
  operation_id: z.string().nullable(),
  /** How often it happened, within a minute. */
  count: z.int(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditRow = z.output<typeof AuditRow>;

export type AuditFilter = {
  readonly eventType?: AuditEvent | undefined;
  /** So grave, or graver. */
  readonly severity?: AuditSeverity | undefined;
  readonly actor?: string | undefined;
  readonly since?: Date | undefined;
  readonly before?: Date | undefined;
  /** Only those behind this id: the last of the page before. */
  readonly after?: string | undefined;
  /** 1 to 100. */
  readonly limit: number;
};

/**
 * The audit log, the newest first. Each severity is looked for by itself, in its index, so that
 * few grave rows are found among many others.
 */
export async function listAuditLogs(db: Database, filter: AuditFilter): Promise<AuditRow[]> {
  const { eventType, severity, actor, since, before, after, limit } = filter;
  const columns = columnsOf(AuditRow.shape);
  const matching = `($1::text is null or event_type = $1)
    and ($2::text is null or actor = $2)
    and ($3::timestamptz is null or occurred_at >= $3)
    and ($4::timestamptz is null or occurred_at < $4)
    and ($5::bigint is null or audit_id < $5)`;
  const rows = await db.query({
    text:
      eventType === undefined && actor === undefined && severity !== undefined
        ? `select found.* from unnest($7::text[]) as wanted (severity)
           cross join lateral (
             select ${columns} from triaged.audit_logs as log
             -- As a range, which the index by severity alone has in this order.
             where
               log.severity >= wanted.severity
               and (log.severity, log.audit_id)
                 < (wanted.severity, coalesce($5::bigint, 9223372036854775807))
               and ${matching}
             order by log.severity desc, log.audit_id desc limit $6
           ) as found
           order by audit_id desc limit $6`
        : `select ${columns} from triaged.audit_logs
           where severity = any ($7::text[]) and ${matching}
           order by audit_id desc limit $6`,
    values: [
      ...[eventType, actor, since, before, after, limit].map((value) => value ?? null),
      asGraveAs(severity ?? AUDIT_SEVERITIES[0]),
    ],
  });
  return rows.map((row) => AuditRow.parse(row));
}

function asGraveAs(severity: AuditSeverity): readonly AuditSeverity[] {
  return AUDIT_SEVERITIES.slice(AUDIT_SEVERITIES.indexOf(severity));
}

/** Write what a maintenance command did. Values of secrets are covered. Needs the owner. */
export async function recordEvent(
  db: Database,
  event: MaintenanceEvent,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  await db.query({
    text: "select triaged.record_event($1, $2::jsonb)",
    values: [event, JSON.stringify(details)],
  });
}

const Written = z.object({ written: z.int() });

/**
 * Write attempts to come in, at most 30 rows a minute and 200 an hour of a kind. Answers how many
 * of the first ones were written: the others wait.
 */
export async function recordSignIns(db: Database, attempts: readonly SignIn[]): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.record_sign_ins($1::jsonb) as written",
    values: [JSON.stringify(attempts)],
  });
  return Written.parse(row).written;
}

/** What a process starts with. */
export type ProcessStart = {
  readonly process: "worker" | "gateway" | "jobs";
  readonly host: string;
  /** By the names of variables; secrets are covered. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of a gateway. */
  readonly keys?: readonly KnownKey[];
};

/** Write how that differs from the last start of such a process. Answers how many rows. */
export async function recordStart(db: Database, start: ProcessStart): Promise<number> {
  const { process, host, settings, keys } = start;
  const [row] = await db.query({
    text: "select triaged.record_start($1, $2, $3::jsonb, $4::jsonb) as written",
    values: [
      process,
      host,
      JSON.stringify(settings),
      keys === undefined ? null : JSON.stringify(keys),
    ],
  });
  return Written.parse(row).written;
}

/** The same in `transaction`; one that cannot be written is logged, and stops no process. */
export async function noteStart(
  transaction: (work: (db: Database) => Promise<number>) => Promise<number>,
  start: Omit<ProcessStart, "host">,
  logger: Pick<Logger, "warn">,
): Promise<void> {
  try {
    await transaction((db) => recordStart(db, { ...start, host: hostname() }));
  } catch (err) {
    logger.warn({ err }, "the settings of this start cannot be written to the audit log");
  }
}

/**
 * Write who became a member of the queue's roles or is none any more, and whether the server is on
 * another timeline. Answers how many rows it wrote. Needs the owner.
 */
export async function watchServer(db: Database): Promise<number> {
  const [row] = await db.query({ text: "select triaged.watch_server() as written" });
  return Written.parse(row).written;
}

/** Delete what is older than its severity is kept. Answers how many. Needs the owner. */
export async function expireAuditLogs(
  db: Database,
  { rowsMax }: { readonly rowsMax: number },
): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.expire_audit_logs($1) as written",
    values: [rowsMax],
  });
  return Written.parse(row).written;
}
