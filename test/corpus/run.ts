// Is the verdict on real changes the right one? Runs every case of test/corpus as a worker would,
// and compares what comes out with its truth: docs/corpus.md.
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { nearest, reportError, UsageError } from "../../src/cli/terminal/errors.ts";
import { note, print, printJson } from "../../src/cli/terminal/output.ts";
import { byKind, costlyCases, faults, standings, tallyOf } from "./bars.ts";
import { type Case, isUpgrade, KINDS, readCases } from "./case.ts";
import { type Row, runCases } from "./outcome.ts";
import { installPackages } from "./packages.ts";
import { markdownOf, matrixOf, tableOf } from "./render.ts";
import { establishTruth } from "./truth.ts";

const HELP = `npm run corpus -- [FLAGS]

Runs the changes of test/corpus and compares each verdict with what is true. Exits 1 if all are run
and a bar of today is missed (BARS in test/corpus/bars.ts).

Flags:
  --only NAME    one case, or all of a kind; may be given several times
  --truth WHICH  "missing" or "all": establish what is true, with compilers and Node, and write
                 it into the cases
  --save         write the tables into docs/corpus.md; says --alone as well
  --alone        each case in a process of its own, so that its time and memory are its own;
                 else cases follow one another in a process, as in a worker
  --jobs N       cases at a time (default: the processors)
  --json         one JSON object on stdout
  -h, --help     show this
`;
const HINT = "npm run corpus -- --help";
const PAGE = path.join(import.meta.dirname, "../../docs/corpus.md");
const MARKS = ["<!-- tables of the last run -->", "<!-- end of tables -->"] as const;

async function main(words: readonly string[]): Promise<void> {
  const flags = parse(words);
  if (flags.help) {
    print(HELP);
    return;
  }
  const cases = casesOf(flags.only);
  const jobs = jobsOf(flags.jobs);
  installPackages();
  if (flags.truth !== undefined) {
    await establishTruth(cases, jobs, whichOf(flags.truth));
    return;
  }
  const rows = await runCases(cases, {
    jobs,
    alone: flags.alone || flags.save,
    onBegin: ({ name }, at) => note(`${at + 1} of ${cases.length}: ${name}`),
  });
  report(rows, { asJson: flags.json, isWhole: flags.only === undefined });
  if (flags.save) savePage(rows);
}

function parse(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        only: { type: "string", multiple: true },
        truth: { type: "string" },
        save: { type: "boolean", default: false },
        alone: { type: "boolean", default: false },
        jobs: { type: "string", default: String(availableParallelism()) },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return values;
  } catch (err) {
    throw new UsageError(String(err), { hint: HINT, cause: err });
  }
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new UsageError(`expected --jobs to be a number of 1 or more, got "${text}"`, {
    hint: HINT,
  });
}

function whichOf(text: string): "all" | "missing" {
  if (text === "all" || text === "missing") return text;
  throw new UsageError(`expected --truth to be "missing" or "all", got "${text}"`, { hint: HINT });
}

function casesOf(only: readonly string[] | undefined): Case[] {
  const cases = readCases();
  if (only === undefined) return cases;
  const known = [...KINDS, ...cases.map(({ name }) => name)];
  for (const asked of only.filter((word) => !known.includes(word))) {
    const meant = nearest(asked, known);
    throw new UsageError(`unknown case "${asked}"`, {
      hint: meant === null ? HINT : `did you mean ${meant}? ${HINT}`,
    });
  }
  return cases.filter(({ name, kind }) => only.includes(name) || only.includes(kind));
}

/** Bars are of all cases: what a part of them reaches says nothing of them. */
function report(
  rows: readonly Row[],
  { asJson, isWhole }: { readonly asJson: boolean; readonly isWhole: boolean },
): void {
  const judged = rows.map(({ outcome }) => outcome.judged);
  const costly = costlyCases(rows.map(({ outcome }) => outcome));
  const wrong = isWhole ? [...faults(judged), ...costly] : [];
  process.exitCode = wrong.length === 0 ? 0 : 1;
  if (asJson) {
    printJson({ cases: rows.map(jsonOf), ...summaryOf(rows), faults: wrong });
    return;
  }
  print(`${tableOf(rows)}\n${matrixOf(rows)}`);
  for (const line of wrong) print(`wrong: ${line}`);
}

function jsonOf({ one, outcome }: Row) {
  const upgrade = isUpgrade(one) ? { package: one.package, from: one.from, to: one.to } : {};
  const { judged, ...rest } = outcome;
  return { ...upgrade, class: one.class, ...judged, ...rest };
}

function summaryOf(rows: readonly Row[]) {
  const judged = rows.map(({ outcome }) => outcome.judged);
  const marked = judged.filter((one) => one.usedForRules);
  const unmarked = judged.filter((one) => !one.usedForRules);
  return {
    marked: { all: tallyOf(marked), kinds: byKind(marked), bars: standings(marked, "marked") },
    unmarked: {
      all: tallyOf(unmarked),
      kinds: byKind(unmarked),
      bars: standings(unmarked, "unmarked"),
    },
  };
}

/** Replace what stands between the marks of the page. */
function savePage(rows: readonly Row[]): void {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = MARKS.map((mark) => page.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) {
    throw new TypeError(`expected ${PAGE} to have ${MARKS.join(" and ")} in this order`);
  }
  const head = page.slice(0, begin + MARKS[0].length);
  writeFileSync(PAGE, `${head}\n\n${markdownOf(rows)}\n\n${page.slice(end)}`);
}

try {
  await main(process.argv.slice(2));
} catch (err) {
  process.exitCode = reportError(err);
}
