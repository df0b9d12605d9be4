import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Bench, Measurement, Size } from "./bench.ts";
import { cellsOf } from "./render.ts";

export const RESULTS_FILE = path.join(import.meta.dirname, "..", "RESULTS.md");

const HEADER = `# Results

Made by \`npm run bench -- NAME --save\`; how, and what the figures do not say, is in
[METHODOLOGY.md](METHODOLOGY.md). A cell is the median of the rounds, with the lowest and the
highest round in brackets. A ratio is the median of the ratios within the rounds. Figures are
from one small machine: they say how things compare with each other, nothing more.
`;

/** What a figure depends on beside the code. No names of hosts or people. */
export type Facts = {
  readonly machine: string;
  readonly versions: string;
  readonly commit: string;
  readonly date: string;
};

/** One bench that ran, with all that its section of the file says. */
export type Run = {
  readonly bench: Bench;
  readonly size: Size;
  readonly measurement: Measurement;
  readonly facts: Facts;
  readonly server: string;
  readonly command: string;
};

/** Put the runs into the file, each in the place of the section of its bench. */
export function saveResults(runs: readonly Run[], file = RESULTS_FILE): void {
  const old = existsSync(file) ? readFileSync(file, "utf8") : "";
  const sections = new Map(
    old
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [/^## (.*)$/m.exec(section)?.[1] ?? "", section.trim()]),
  );
  for (const run of runs) {
    sections.set(run.bench.name, sectionOf(run));
  }
  writeFileSync(file, `${[HEADER.trim(), ...sections.values()].join("\n\n")}\n`);
}

function sectionOf({ bench, size, measurement, facts, server, command }: Run): string {
  const { headings, cells } = cellsOf(measurement);
  return [
    `## ${bench.name}`,
    "",
    `${bench.question} ${size.rounds} rounds; ${size.tasks} ${bench.tasksAre}.`,
    "",
    line(headings),
    line(headings.map((_, column) => (column === 0 ? "---" : "---:"))),
    ...cells.map(line),
    "",
    ...new Set(measurement.rows.map(({ contestant, settings }) => `- ${contestant}: ${settings}`)),
    `- server: ${server}`,
    `- machine: ${facts.machine}`,
    `- versions: ${facts.versions}; commit ${facts.commit}, ${facts.date}`,
    `- command: \`${command}\``,
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
