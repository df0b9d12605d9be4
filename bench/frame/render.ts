import type { Column, Measurement, Row } from "./bench.ts";
import { median } from "./statistics.ts";

/** The headings and the cells of a table: "median (lowest–highest round)", and the ratios. */
export function cellsOf({ columns, rows }: Measurement): {
  headings: string[];
  cells: string[][];
} {
  return {
    headings: [
      "",
      ...columns.flatMap(({ title, ratio }) =>
        ratio === undefined || rows.length < 2 ? [title] : [title, ratio.title],
      ),
    ],
    cells: rows.map((row) => [
      row.group === undefined ? row.contestant : `${row.group}: ${row.contestant}`,
      ...columns.flatMap((column) =>
        column.ratio === undefined || rows.length < 2
          ? [figure(column, row)]
          : [figure(column, row), ratioOf(column, row, rows)],
      ),
    ]),
  };
}

function figure({ key, digits, over = "median" }: Column, { values }: Row): string {
  const rounds = values[key] ?? [];
  if (over === "max") {
    return shown(Math.max(...rounds), digits);
  }
  const middle = shown(median(rounds), digits);
  const spread = `${shown(Math.min(...rounds), digits)}–${shown(Math.max(...rounds), digits)}`;
  return rounds.length === 1 ? middle : `${middle} (${spread})`;
}

/** The median, over the rounds, of the value of the first row of the group by this row's. */
function ratioOf({ ratio }: Column, row: Row, rows: readonly Row[]): string {
  const first = rows.find(({ group }) => group === row.group);
  if (ratio === undefined || first === undefined || first === row) {
    return "";
  }
  const theirs = row.values[ratio.of] ?? [];
  const ratios = (first.values[ratio.of] ?? []).map((ours, round) => ours / (theirs[round] ?? 0));
  return `× ${shown(median(ratios), 2)}`;
}

function shown(value: number, digits: number): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
