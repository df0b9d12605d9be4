// The door to the terminal. Names, errors and results are the words of others: none of them
// drives the terminal, whoever forgets what he prints.
import { z } from "zod";
import { toJson } from "../../model/json.ts";
import { visibleJson, visibleLine, visibleText } from "../../model/text.ts";

/** What a person or a pipe asked for, on stdout. */
export function print(text: string): void {
  const shown = visibleText(text);
  process.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`);
}

/** What happens meanwhile, on stderr. */
export function note(text: string): void {
  process.stderr.write(`${visibleText(text)}\n`);
}

/** JSON on stdout, indented where a person reads it. */
export function printJson(value: unknown): void {
  const json = toJson(value, process.stdout.isTTY ? 2 : undefined);
  process.stdout.write(`${visibleJson(json)}\n`);
}

/** A JSON text of many lines, for a file. */
export function printDocument(json: string): void {
  process.stdout.write(visibleJson(json));
}

/**
 * An id, which is text in the program, as a number, which is how a reader of JSON compares
 * it. One above 2^53, which a JavaScript number cannot hold, stays text.
 */
export function numericId(id: string): number | string {
  return Number.isSafeInteger(Number(id)) ? Number(id) : id;
}

/** The row with its ids as numbers. */
export function withNumericIds(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name.endsWith("_id") && typeof value === "string" ? numericId(value) : value,
    ]),
  );
}

/** Longer cells are cut: a table is for looking, `--json` has everything. */
const CELL_WIDTH_MAX = 72;

export type Cell = string | number | null;

/**
 * Rows under their headings, columns two spaces apart, numbers to the right. One line a
 * row: line breaks and control characters, which could drive the terminal, are taken out.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const texts = rows.map((row) => row.map(cellText));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...texts.map((row) => (row[column] ?? "").length)),
  );
  const isNumeric = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof (row[column] ?? 0) === "number"),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [headings, ...texts].map((cells) => `${line(cells)}\n`).join("");
}

/** Name and value, a line each; a value with several lines is indented below its name. */
export function renderRecord(fields: readonly (readonly [name: string, value: Cell])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields
    .map(([name, value]) => {
      const lines = visibleText(String(value ?? "-")).split("\n");
      return lines.length === 1
        ? `${name.padEnd(width)}  ${lines[0]}\n`
        : `${name}\n${lines.map((line) => `${`  ${line}`.trimEnd()}\n`).join("")}`;
    })
    .join("");
}

function cellText(cell: Cell): string {
  const text = visibleLine(String(cell ?? "-"));
  return text.length > CELL_WIDTH_MAX
    ? `${text.slice(0, CELL_WIDTH_MAX - 1).toWellFormed()}…`
    : text;
}

/** A moment in the time zone of the reader, to the second. */
export function formatTime(at: Date | null): string | null {
  return at && `${formatDay(at)} ${formatClock(at)}`;
}

/** The same to the millisecond, for what happens close together. */
export function formatExactTime(at: Date): string {
  return `${formatTime(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A duration in milliseconds in the unit that a person would take. */
export function formatDuration(ms: number | null): string | null {
  if (ms === null) {
    return null;
  }
  const units: [limit: number, size: number, name: string][] = [
    [1_000, 1, "ms"],
    [60_000, 1_000, "s"],
    [3_600_000, 60_000, "min"],
    [172_800_000, 3_600_000, "h"],
    [Infinity, 86_400_000, "d"],
  ];
  const [, size, name] = units.find(([limit]) => ms < limit) ?? [0, 1, "ms"];
  const value = ms / size;
  return `${name === "ms" ? Math.round(value) : value.toFixed(1)} ${name}`;
}

/** As the result of a handler reads best: text as it is, the rest as indented JSON. */
export function formatValue(value: unknown): string {
  return typeof value === "string" ? value : toJson(value, 2);
}

function formatDay(at: Date): string {
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join("-");
}

function formatClock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** A result that says whether somebody has to act, as far as it is worth a person's first look. */
const Assessment = z.looseObject({
  requires_action: z.boolean(),
  urgency: z.string(),
  impact_summary: z.string(),
  confidence: z.number(),
  affected_files: z.array(z.string()).default([]),
  recommended_changes: z.string().default(""),
});

/** The result of a task for a person: one that says whether to act in words, others as JSON. */
export function renderResult(result: unknown): string {
  const assessment = Assessment.safeParse(result);
  if (!assessment.success) {
    return visibleText(formatValue(result));
  }
  const { requires_action, urgency, impact_summary, confidence, ...rest } = assessment.data;
  return visibleText(
    [
      `${requires_action ? "requires action" : "no action required"}, ` +
        `urgency ${visibleLine(urgency)}, confidence ${confidence}`,
      visibleLine(impact_summary),
      rest.recommended_changes,
      rest.affected_files.length === 0
        ? ""
        : `affected: ${rest.affected_files.map(visibleLine).join(", ")}`,
    ]
      .filter((part) => part !== "")
      .join("\n\n"),
  );
}
