import { renderTable } from "../../src/cli/terminal/output.ts";
import type { Case } from "./case.ts";
import { CLASSES } from "./class.ts";
import { confusion, isRight, type Judged } from "./confusion.ts";
import type { Outcome } from "./outcome.ts";

/** A case and what came of it. */
export type Row = { readonly one: Case; readonly outcome: Outcome };

/** Of the processor: other work on the machine makes no analysis slow. */
const SLOW_CPU_SECONDS = 5;

export function judgedOf({ one, outcome }: Row): Judged {
  return { name: one.name, expected: one.class, got: outcome.got };
}

/** A line for each case. What is wrong, slow or only partly read is marked behind it. */
export function tableOf(rows: readonly Row[]): string {
  const headings = [
    "case",
    "from → to",
    "expected",
    "got",
    "urgency",
    "confidence",
    "s",
    "CPU s",
    "MiB",
    "remarks",
  ];
  return renderTable(
    headings,
    rows.map((row) => [
      row.one.name,
      `${row.one.from} → ${row.one.to}`,
      row.one.class,
      row.outcome.got,
      row.outcome.urgency,
      row.outcome.confidence,
      Number(row.outcome.seconds.toFixed(1)),
      Number(row.outcome.cpuSeconds.toFixed(1)),
      row.outcome.peakMib,
      remarksOn(row),
    ]),
  );
}

function remarksOn(row: Row): string {
  const { outcome } = row;
  return [
    ...(isRight(judgedOf(row)) ? [] : ["WRONG"]),
    ...(outcome.cpuSeconds > SLOW_CPU_SECONDS ? ["slow"] : []),
    ...(outcome.degraded.length > 0 ? ["degraded"] : []),
    ...outcome.capsHit,
  ].join(", ");
}

/** Rows are what is true, columns what came out. */
export function matrixOf(rows: readonly Row[]): string {
  return renderTable(
    ["", ...CLASSES],
    confusion(rows.map(judgedOf)).map(({ expected, counts }) => [expected, ...counts]),
  );
}
