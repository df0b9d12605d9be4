// A run in tables: for the terminal, and for docs/corpus.md.
import { type Cell, renderTable } from "../../src/cli/terminal/output.ts";
import { byKind, type Standing, standings, type Tally, tallyOf } from "./bars.ts";
import { titleOf } from "./case.ts";
import { isRight, type Judged } from "./judge.ts";
import type { Row } from "./outcome.ts";

/** Of the processor: other work on the machine makes no analysis slow. */
const SLOW_CPU_SECONDS = 5;

const CASE_HEADINGS = ["case", "change", "true", "got", "urgency", "s", "CPU s", "MiB", "remarks"];

/**
 * A line for each case that rules were written with. What is wrong, slow or only partly read is
 * marked behind it. Of the others no line is shown: they are for counting.
 */
export function tableOf(rows: readonly Row[]): string {
  return renderTable(
    CASE_HEADINGS,
    rows
      .filter(({ one }) => one.used_for_rules)
      .map((row) => [
        row.one.name,
        titleOf(row.one),
        row.outcome.judged.breaks ? "breaks" : "harmless",
        row.outcome.judged.asked ? "action" : "no action",
        row.outcome.urgency,
        Number(row.outcome.seconds.toFixed(1)),
        Number(row.outcome.cpuSeconds.toFixed(1)),
        row.outcome.peakMib ?? "",
        remarksOn(row),
      ]),
  );
}

function remarksOn({ outcome: { judged, cpuSeconds, degraded, capsHit } }: Row): string {
  return [
    ...(isRight(judged) ? [] : ["WRONG"]),
    ...(judged.breaks && judged.asked && !judged.namesFirst ? ["not named first"] : []),
    ...(judged.claims && !judged.proves ? ["no proof"] : []),
    ...(judged.deniesUse ? ["use denied"] : []),
    ...(cpuSeconds > SLOW_CPU_SECONDS ? ["slow"] : []),
    ...(degraded.length > 0 ? ["degraded"] : []),
    ...capsHit,
  ].join(", ");
}

const KIND_HEADINGS = [
  "kind",
  "cases",
  "breaks",
  "missed",
  "named first",
  "harmless",
  "false alarms",
  '"breaks"',
  "unproven",
  "use denied",
];

function kindRows(judged: readonly Judged[]): Cell[][] {
  const rows: [string, Tally][] = byKind(judged).map(({ kind, tally }) => [kind, tally]);
  return [...rows, ["all", tallyOf(judged)] as const].map(([name, tally]) => [
    name,
    tally.cases,
    tally.breaks,
    tally.missed,
    tally.namedFirst,
    tally.harmless,
    tally.falseAlarms,
    tally.claims,
    tally.unproven,
    tally.deniedUses,
  ]);
}

const BAR_HEADINGS = ["bar", "measured", "today", "goal", ""];

function barRows(all: readonly Standing[]): Cell[][] {
  return all.map(({ name, value, of, today, goal, isHeld, isReached }) => [
    name,
    `${value} of ${of}`,
    today,
    goal,
    isReached ? "reached" : isHeld ? "held" : "MISSED",
  ]);
}

type Part = { readonly title: string; readonly name: "marked" | "unmarked"; judged: Judged[] };

function partsOf(rows: readonly Row[]): Part[] {
  const judged = rows.map(({ outcome }) => outcome.judged);
  const parts: Part[] = [
    {
      title: "Marked: rules were written with these",
      name: "marked",
      judged: judged.filter((one) => one.usedForRules),
    },
    {
      title: "Unmarked: no rule has seen these",
      name: "unmarked",
      judged: judged.filter((one) => !one.usedForRules),
    },
  ];
  return parts.filter((part) => part.judged.length > 0);
}

/** Kinds and bars, for marked and unmarked cases apart, and what a case costs. */
export function matrixOf(rows: readonly Row[]): string {
  return [
    ...partsOf(rows).flatMap(({ title, name, judged }) => [
      title,
      "",
      renderTable(KIND_HEADINGS, kindRows(judged)),
      renderTable(BAR_HEADINGS, barRows(standings(judged, name))),
    ]),
    costOf(rows),
  ].join("\n");
}

/** The same for docs/corpus.md. Its failing cases are named where they are marked. */
export function markdownOf(rows: readonly Row[]): string {
  return [
    ...partsOf(rows).flatMap(({ title, name, judged }) => [
      `### ${title}`,
      "",
      markdownTable(KIND_HEADINGS, kindRows(judged)),
      "",
      markdownTable(BAR_HEADINGS, barRows(standings(judged, name))),
      "",
      ...(name === "marked" ? [namesOfWrong(judged), ""] : []),
    ]),
    costOf(rows),
  ].join("\n");
}

function markdownTable(headings: readonly string[], rows: readonly Cell[][]): string {
  return [headings, headings.map(() => "---"), ...rows].map(markdownRow).join("\n");
}

function markdownRow(cells: readonly Cell[]): string {
  return `| ${cells.join(" | ")} |`;
}

function namesOfWrong(judged: readonly Judged[]): string {
  const names = (which: (one: Judged) => boolean): string =>
    judged
      .filter(which)
      .map(({ name }) => `\`${name}\``)
      .join(", ") || "none";
  return [
    `- Missed: ${names((one) => one.breaks && !one.asked)}.`,
    `- False alarms: ${names((one) => !one.breaks && one.asked)}.`,
    `- Told, but not first or not at its line: ${names(
      (one) => one.breaks && one.asked && !one.namesFirst,
    )}.`,
  ].join("\n");
}

/** Of sorted numbers. */
function middle(all: readonly number[]): number {
  return all[Math.floor(all.length / 2)] ?? 0;
}

function costOf(rows: readonly Row[]): string {
  const seconds = rows.map(({ outcome }) => outcome.seconds).toSorted((a, b) => a - b);
  const cpu = rows.map(({ outcome }) => outcome.cpuSeconds).toSorted((a, b) => a - b);
  const mib = rows.flatMap(({ outcome }) => outcome.peakMib ?? []).toSorted((a, b) => a - b);
  const held =
    mib.length === 0
      ? "Cases shared their processes."
      : `A process of a case held ${middle(mib)} MiB (median; ${mib.at(-1)} MiB at most).`;
  return (
    `A case takes ${middle(seconds).toFixed(1)} s (median; ${(seconds.at(-1) ?? 0).toFixed(1)} s at ` +
    `most), ${middle(cpu).toFixed(1)} s of the processor. ${held}`
  );
}
