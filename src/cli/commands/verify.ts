import { codeOf } from "../../database/sqlstate.ts";
import { CHECKS } from "../../database/verify/checks.ts";
import { recordVerify } from "../../database/verify/runs.ts";
import { type Report, type Violation, verifyAudit } from "../../database/verify/verify.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { counted, visibleLine } from "../../model/text.ts";
import { defineCommand } from "../terminal/command.ts";
import { note, print, printJson, renderTable, withNumericIds } from "../terminal/output.ts";
import { duration } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

/** The look holds back vacuum for as long as it lasts. */
const LIMIT_MS = 600_000;

const INSUFFICIENT_PRIVILEGE = "42501";
/** Of a standby, too. */
const READ_ONLY = "25006";

export const verifyCommand = defineCommand({
  name: "verify",
  summary: "compare every task with its history: is anything lost, or recorded twice?",
  description:
    "Looks at one snapshot of the database, beside the workers, and changes nothing but the\n" +
    "record of this run, which the dashboard shows. What\n" +
    "retention dropped is not missed. Exits 0 when all holds, 1 when something does not or when\n" +
    "the time was over first.",
  args: [],
  options: {
    since: {
      value: "DURATION",
      about: "judge only what happened in the last 1h, 2d, …",
      schema: duration(),
    },
    timeout: {
      value: "DURATION",
      about: "stop looking after so long (default 10m)",
      schema: duration(),
    },
    json: { about: "print one JSON object: ok, checked, violations with their rows" },
  },
  examples: [
    ["verify", "everything that is still there"],
    ["verify --since 1h", "for cron, more often than once an hour"],
    ["verify --json | jq '.violations[].task_id'", "the tasks to look at"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ inSnapshot, asOperator }) => {
      const beganAt = new Date();
      const report = await inSnapshot((db) =>
        verifyAudit(db, { sinceMs: flags.since ?? null, limitMs: flags.timeout ?? LIMIT_MS }),
      );
      await keep(() => asOperator((db) => recordVerify(db, report, beganAt)));
      if (flags.json) {
        const violations = report.violations.map((violation) => withNumericIds(violation));
        printJson({ ...report, violations });
      } else {
        print(renderReport(report));
      }
      return report.ok ? EXIT_CODES.done : EXIT_CODES.crash;
    }),
});

/** A login that may only look has its report all the same. */
async function keep(record: () => Promise<unknown>): Promise<void> {
  try {
    await record();
  } catch (err) {
    if (codeOf(err) !== INSUFFICIENT_PRIVILEGE && codeOf(err) !== READ_ONLY) {
      throw err;
    }
    note("this run is not recorded: that needs the rights of the owner");
  }
}

/** What `triaged verify` shows a person. */
function renderReport(report: Report): string {
  const { horizon, checked, broken, violations } = report;
  const counts = CHECKS.map((check) => [check, checked[check], broken[check]]);
  return [
    ...violations.map(renderViolation),
    renderTable(["check", "judged", "broken"], counts),
    `History is complete since ${horizon.history_from}, final tasks since ${horizon.tasks_from}.`,
    horizon.since === "-infinity" ? "" : `Judged is what happened since ${horizon.since}.`,
    verdict(report),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function verdict({ ok, complete, broken, violations }: Report): string {
  const found = Object.values(broken).reduce((sum, count) => sum + count, 0);
  return [
    found === 0 ? "" : `${counted(found, "violation")}, ${violations.length} shown.`,
    complete
      ? ""
      : "The time was over before the last task: --since looks at less, --timeout longer.",
    ok ? "All holds." : "",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** The sentence, then the rows behind it, a line each. */
function renderViolation({ check, task_id, problem, tasks, history }: Violation): string {
  const rows = [
    ...tasks.map((row) => `  task     ${fieldsOf(row)}`),
    ...history.map((row) => `  history  ${fieldsOf(row)}`),
  ];
  return `${check}: task ${task_id}: ${visibleLine(problem)}\n${rows.map((row) => `${row}\n`).join("")}`;
}

function fieldsOf(row: Readonly<Record<string, unknown>>): string {
  return Object.entries(row)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${oneLine(value)}`)
    .join(" ");
}

function oneLine(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return visibleLine(text);
}
