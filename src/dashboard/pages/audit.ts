import { z } from "zod";
import { type AuditRow, listAuditLogs } from "../../database/audit.ts";
import { AUDIT_EVENTS, AUDIT_SEVERITIES } from "../../model/audit.ts";
import { countView, emptyState, pageLinks, statusView, table } from "../components/lists.ts";
import { momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { definePage, type PageContext } from "../page.ts";

const ROWS = 50;

const Query = z.object({
  type: z.enum(AUDIT_EVENTS).optional(),
  severity: z.enum(AUDIT_SEVERITIES).optional(),
  actor: z.string().max(200).optional(),
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
});

/** What happened that is no task: settings, roles, keys, sign-ins, pauses, restores. */
export const auditPage = definePage({
  path: "/audit",
  nav: "Audit",
  role: "operate",
  params: z.object({}),
  query: Query,
  show: async (context, { query }) => {
    const { type, severity, actor, after } = query;
    const rows = await context.read("audit", (db) =>
      listAuditLogs(db, { eventType: type, severity, actor, after, limit: ROWS }),
    );
    const next = rows.length < ROWS ? null : (rows.at(-1)?.audit_id ?? null);
    return {
      title: "Audit",
      main: html`${filterForm(query)}
        ${table({
          label: "Audit log",
          head: ["When", "Severity", "Event", "Who", "Details"],
          rows: rows.map((row) => rowView(context, row)),
          empty: emptyState(
            "Nothing that matches has happened.",
            "Settings, roles, migrations, pauses, limits, keys, sign-ins, backups and restores are listed here.",
          ),
        })}
        ${pageLinks(context, next)}`,
    };
  },
});

function filterForm({ type, severity, actor }: z.output<typeof Query>): Html {
  return html`<form method="get" class="fields" role="search" aria-label="Filter of the audit log">
    <label>Event ${choices("type", AUDIT_EVENTS, type)}</label>
    <label>Severity at least ${choices("severity", AUDIT_SEVERITIES, severity)}</label>
    <label>Who <input name="actor" maxlength="200" value="${actor ?? ""}"></label>
    <div class="buttons"><button>Filter</button></div>
  </form>`;
}

function choices(name: string, words: readonly string[], chosen: string | undefined): Html {
  return html`<select name="${name}">
    <option value="">any</option>
    ${words.map((word) =>
      word === chosen
        ? html`<option value="${word}" selected>${word}</option>`
        : html`<option value="${word}">${word}</option>`,
    )}
  </select>`;
}

function rowView(context: PageContext, row: AuditRow): Html {
  const { occurred_at, severity, event_type, actor, login, count, operation_id } = row;
  return html`<tr>
    <td class="fit">${momentView(occurred_at)}</td>
    <td class="fit">${statusView(severity)}</td>
    <th scope="row">${event_type}${count > 1 && html` <span class="quiet">${countView(count)} times</span>`}</th>
    <td>${shownLine(actor, 100)}${login !== actor && html` <span class="quiet">by the login ${shownLine(login, 100)}</span>`}</td>
    <td class="long">${detailsView(context, row)}${
      operation_id !== null &&
      html` <a href="/ui/operations/${operation_id}">operation ${operation_id}</a>`
    }</td>
  </tr>`;
}

function detailsView(context: PageContext, { details }: AuditRow): Html[] {
  const shown = z.record(z.string(), z.unknown()).parse(context.redact(details));
  return Object.entries(shown).map(
    ([name, value]) =>
      html`<span class="pair"><span class="quiet">${name.replaceAll("_", " ")}</span> <span class="mono">${shownLine(typeof value === "string" ? value : JSON.stringify(value))}</span></span> `,
  );
}
