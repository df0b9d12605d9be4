import { type AuditRow, listAuditLogs } from "../../database/audit.ts";
import { AUDIT_EVENTS, AUDIT_SEVERITIES } from "../../model/audit.ts";
import { choice, integer, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { formatTime, print, printJson, renderTable, withNumericIds } from "../terminal/output.ts";
import { duration, operationId } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

const LIMIT_MAX = 100;

export const auditCommand = defineCommand({
  name: "audit",
  summary: "what happened that is no task: settings, roles, keys, sign-ins, pauses, restores",
  description:
    "The audit log, the newest first. Of tasks there is `triaged history`; what people did, with their\n" +
    "reasons, is in `triaged operations`, and a row here names the operation that it is. Critical rows are kept\n" +
    "for ever, debug and info 90 days, the others as `triaged settings` says.",
  args: [],
  options: {
    type: {
      short: "t",
      value: "EVENT",
      about: `only ${AUDIT_EVENTS.filter((name) => /^(?:key|signin)/.test(name)).join(", ")}, …`,
      schema: choice(AUDIT_EVENTS),
    },
    severity: {
      value: "WORD",
      about: `so grave or graver: ${AUDIT_SEVERITIES.join(", ")}`,
      schema: choice(AUDIT_SEVERITIES),
    },
    actor: { value: "NAME", about: "only by this one", schema: text({ max: 200 }) },
    since: { value: "DURATION", about: "only of the last so long, such as 7d", schema: duration() },
    limit: {
      short: "n",
      value: "N",
      about: "how many, 1 to 100 (default 20)",
      schema: integer({ min: 1, max: LIMIT_MAX }),
    },
    after: { value: "ID", about: "the last one of the page before", schema: operationId() },
    json: { about: "print an array" },
  },
  examples: [
    ["audit", "the newest twenty"],
    ["audit --severity error --since 7d", "what went wrong in a week"],
    ["audit --type signin.failed --json", "who tried to come in, for a program"],
  ],
  run: async ({ flags }) => {
    const { type, severity, actor, since, limit = 20, after } = flags;
    await withDatabase(async ({ db }) => {
      const rows = await listAuditLogs(db, {
        eventType: type,
        severity,
        actor,
        since: since === undefined ? undefined : new Date(Date.now() - since),
        limit,
        after,
      });
      if (flags.json) {
        printJson(rows.map(withNumericIds));
        return;
      }
      print(
        renderTable(
          ["id", "when", "severity", "event", "who", "times", "details"],
          rows.map((row) => [
            Number(row.audit_id),
            formatTime(row.occurred_at),
            row.severity,
            row.event_type,
            row.actor,
            row.count,
            detailsOf(row),
          ]),
        ),
      );
    });
    return 0;
  },
});

/** `queue mail, operation 7`: what is nested stays JSON. */
function detailsOf({ details, operation_id: operation }: AuditRow): string {
  const words = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [...words, ...(operation === null ? [] : [`operation ${operation}`])].join(", ");
}
