import { counted } from "../counted.ts";
import { visibleLine } from "../foreign-text.ts";
import { CHECKS } from "../postgres/verify/check-range.ts";
import type { Report, Violation } from "../postgres/verify/verify.ts";
import { renderTable } from "./table.ts";

/** What `triaged verify` shows a person. */
export function renderReport(report: Report): string {
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
