// Is the verdict on real upgrades the right one? Runs every case of test/corpus as consumer_triage
// does, and compares what comes out with its label: docs/corpus.md.
import { parseArgs } from "node:util";
import { nearest, reportError, UsageError } from "../../src/cli/terminal/errors.ts";
import { note, print, printJson } from "../../src/cli/terminal/output.ts";
import { type Case, readCases } from "./case.ts";
import { confusion, faults, isRight } from "./confusion.ts";
import { outcomeOf } from "./outcome.ts";
import { installPackages } from "./packages.ts";
import { judgedOf, matrixOf, type Row, tableOf } from "./render.ts";

const HELP = `npm run corpus -- [FLAGS]

Runs the labelled upgrades of test/corpus. Exits 1 if one that breaks its consumer comes out as
no action, or if less than 90 % are right.

Flags:
  --only NAME    one case
  --json         one JSON object on stdout
  -h, --help     show this
`;
const HINT = "npm run corpus -- --help";

async function main(words: readonly string[]): Promise<void> {
  const flags = parse(words);
  if (flags.help) {
    print(HELP);
    return;
  }
  const cases = casesOf(flags.only);
  installPackages();
  const rows: Row[] = [];
  for (const one of cases) {
    note(`${rows.length + 1} of ${cases.length}: ${one.name}`);
    rows.push({ one, outcome: await outcomeOf(one) });
  }
  report(rows, flags.json);
}

function parse(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        only: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return values;
  } catch (err) {
    throw new UsageError(String(err), { hint: HINT, cause: err });
  }
}

function casesOf(only: string | undefined): Case[] {
  const cases = readCases();
  if (only === undefined) return cases;
  const found = cases.filter(({ name }) => name === only);
  if (found.length > 0) return found;
  const meant = nearest(
    only,
    cases.map(({ name }) => name),
  );
  throw new UsageError(`unknown case "${only}"`, {
    hint: meant === null ? HINT : `did you mean ${meant}? ${HINT}`,
  });
}

function report(rows: readonly Row[], asJson: boolean): void {
  const judged = rows.map(judgedOf);
  const wrong = faults(judged);
  const right = judged.filter(isRight).length;
  process.exitCode = wrong.length === 0 ? 0 : 1;
  if (asJson) {
    const cases = rows.map(({ one, outcome }) => {
      const { name, package: provider, from, to } = one;
      return { name, package: provider, from, to, expected: one.class, ...outcome };
    });
    printJson({ cases, confusion: confusion(judged), right, faults: wrong });
    return;
  }
  print(`${tableOf(rows)}\n${matrixOf(rows)}\n${right} of ${judged.length} right`);
  for (const line of wrong) print(`wrong: ${line}`);
}

try {
  await main(process.argv.slice(2));
} catch (err) {
  process.exitCode = reportError(err);
}
