import { z } from "zod";
import { AuditRow, listAuditLogs } from "../../database/audit.ts";
import { AUDIT_EVENTS, AUDIT_SEVERITIES } from "../../model/audit.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { replyOf, sent, TaskId } from "../shapes.ts";

const Instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** `/api/audit`: settings, roles, migrations, pauses, limits, keys, sign-ins, backups, restores. */
export function auditRoutes(app: Gateway, { queue }: GatewayParts): void {
  app.get(
    "/api/audit",
    {
      config: { role: "operate" },
      schema: {
        summary: "What happened that is no task, the newest first",
        tags: ["audit"],
        querystring: z.strictObject({
          event_type: z.enum(AUDIT_EVENTS).optional(),
          severity: z.enum(AUDIT_SEVERITIES).optional().describe("So grave, or graver."),
          actor: z.string().min(1).max(200).optional(),
          since: Instant.optional(),
          before: Instant.optional(),
          limit: z.coerce.number().int().min(1).max(100).default(50),
          after: TaskId.optional().describe("The last audit_id of the page before."),
        }),
        response: {
          200: z.strictObject({ audit_logs: z.array(replyOf(AuditRow).meta({ id: "AuditLog" })) }),
          ...FAILURES,
        },
      },
    },
    async ({ query }) => {
      const { event_type: eventType, ...filter } = query;
      const rows = await queue.read((db) => listAuditLogs(db, { ...filter, eventType }));
      return { audit_logs: rows.map(sent) };
    },
  );
}
