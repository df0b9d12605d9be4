import { visibleLine, visibleText } from "../foreign-text.ts";

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
