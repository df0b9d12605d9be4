// Whether the tests would notice a guard that is gone: takes each guard out of sql/functions, one
// at a time, in a copy of the project, and wants a test of test/sql to fail.
//
//   npm run mutate-guards               all of them, some ten minutes
//   npm run mutate-guards -- ^claim     those of the functions whose name matches

import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { findServer } from "../test/support/shared-server.ts";
import { EXEMPT } from "./exempt-guards.ts";
import { findGuards, type Guard } from "./guards.ts";

const ROOT = path.dirname(import.meta.dirname);
/** All that tests of test/sql start or read: a test that fails without it notices no guard. */
const COPIED = [
  ..."bin docs sql src tasks test".split(" "),
  ..."package.json tsconfig.json vitest.config.ts".split(" "),
];
const FUNCTIONS = path.join("sql", "functions");

/** The tests that need more than one connection. */
const RACES = [
  "rescue-races",
  "dedupe-races",
  "compat-races",
  "expire-races",
  "effect-races",
  "manual-races",
  "claim-many",
  "claims",
  "release-unknown",
  "partitions",
];

/** Whose plans suffer, by the name of the function: titles of plans.test.ts. */
const PLANS: readonly [RegExp, string][] = [
  [/^claim/, "claim"],
  [/^put_back/, "as (snooze|release)"],
  [/^finish/, "as finish"],
  [/^fail/, "as (fail|retry)"],
  [/^ask/, "as ask"],
  [/^cancel/, "as cancelled"],
  [/^rescue/, "rescue"],
  [/^held_task_ids/, "rescue|end of a worker|release what"],
  [/^held_by/, "activity"],
  [/^tidy/, "a heartbeat"],
  [/^record/, "as (fail|retry)|by its ids|claim"],
];

/** What most likely fails, by the file and the name of the function. */
const LIKELY: readonly [RegExp, readonly string[]][] = [
  [/compat|update_task_status|get_next/, ["compat", "older-", "import-older-data"]],
  [/effect|digest/, ["effect"]],
  [/claim|held_/, ["claim"]],
  [/update_task$|record/, ["manual-moves", "refused", "history", "settle-batches"]],
  [/dead|rescue|worker/, ["rescue-tasks", "session-lock", "settle-back"]],
  [/dedupe|replace|expire|enqueue/, ["dedupe", "expire-rows", "enqueue"]],
  [/cancel|retry|decide/, ["transitions", "settle-cancel", "earlier", "history"]],
  [/./, ["settle-", "decisions", "earlier", "transitions"]],
];

type Failure = { readonly file: string; readonly title: string };
type Run = { readonly ran: number; readonly failed: Failure | undefined };
type Verdict = { readonly guard: Guard; readonly caughtBy: string | undefined };

/** Titles of tests that pass with all guards in their places. */
const passing = new Set<string>();

const [only = ""] = process.argv.slice(2);
const guards = (await readGuards()).filter(({ of }) => new RegExp(only).test(of));
const server = await findServer();
const copies = await Promise.all([copyProject(), copyProject()]);
try {
  const queue = guards.filter((guard) => !EXEMPT.has(nameOf(guard)));
  const verdicts = (await Promise.all(copies.map((copy) => judgeFrom(queue, copy)))).flat();
  process.exitCode = report(verdicts);
} finally {
  // A run in the other copy may still write; its end must not hide why this one ended.
  await Promise.all(
    copies.map((copy) => rm(copy, { recursive: true, force: true, maxRetries: 10 })),
  );
  await server.stop();
}

async function readGuards(): Promise<Guard[]> {
  const entries = await readdir(path.join(ROOT, FUNCTIONS), { recursive: true });
  const found = [];
  for (const file of entries.filter((name) => name.endsWith(".sql")).toSorted()) {
    found.push(...findGuards(file, await readFile(path.join(ROOT, FUNCTIONS, file), "utf8")));
  }
  // why only tells; it moves nothing.
  return found.filter((guard) => !guard.of.startsWith("why"));
}

/** The working tree stays as it is: mutants live in a copy, beside the same node_modules. */
async function copyProject(): Promise<string> {
  const copy = await mkdtemp(path.join(tmpdir(), "triaged-mutants-"));
  for (const name of COPIED) {
    await cp(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  }
  await symlink(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

/** Take guards from the queue until it is empty. */
async function judgeFrom(queue: Guard[], copy: string): Promise<Verdict[]> {
  const verdicts = [];
  for (let guard = queue.shift(); guard !== undefined; guard = queue.shift()) {
    const file = path.join(copy, FUNCTIONS, guard.file);
    const intact = await readFile(file, "utf8");
    await writeFile(file, guard.mutated);
    // A plan can be right by luck: the server plans anew while the tests fill the table, if
    // anything else invalidates the plan of before. Seldom, and not twice.
    const failure = (await findFailure(guard, copy)) ?? (await findFailure(guard, copy));
    await writeFile(file, intact);
    if (failure !== undefined) {
      await wantPass(failure, copy);
    }
    const verdict = { guard, caughtBy: failure?.title };
    process.stdout.write(`${lineOf(verdict)}\n`);
    verdicts.push(verdict);
  }
  return verdicts;
}

/** A test notices a guard that is gone only if it passes while the guard is there. */
async function wantPass({ file, title }: Failure, copy: string): Promise<void> {
  if (!passing.has(title)) {
    const escaped = title.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const { failed } = await runTests(copy, [path.basename(file)], `${escaped}$`);
    if (failed !== undefined) {
      throw new Error(`"${title}" fails with all guards in their places, in ${copy}`);
    }
    passing.add(title);
  }
}

/** A test that fails without the guard. */
async function findFailure(guard: Guard, copy: string): Promise<Failure | undefined> {
  const { kind, of } = guard;
  const title = kind === "plan" || kind === "batch" ? pick(PLANS, of) : undefined;
  for (const names of title === undefined ? testsFor(guard) : [["plans"]]) {
    const { failed } = await runTests(copy, names, title);
    if (failed !== undefined) {
      return failed;
    }
  }
  return undefined;
}

/** Sets of tests, one after the other. What a condition does shows without a second connection. */
function testsFor({ file, of, kind }: Guard): (readonly string[])[] {
  return kind.includes("lock") ? [RACES] : [pick(LIKELY, `${file} ${of}`) ?? [], [""], RACES];
}

function pick<Value>(from: readonly [RegExp, Value][], name: string): Value | undefined {
  return from.find(([pattern]) => pattern.test(name))?.[1];
}

async function runTests(copy: string, names: readonly string[], title?: string): Promise<Run> {
  const reportFile = path.join(copy, "report.json");
  await rm(reportFile, { force: true });
  const vitest = spawn(
    process.execPath,
    [
      path.join(ROOT, "node_modules", "vitest", "vitest.mjs"),
      ..."run --project sql --bail 1 --maxWorkers 1 --reporter json --outputFile".split(" "),
      reportFile,
      ...(title === undefined ? [] : ["--testNamePattern", title]),
      // Without a name: all that are quick and say what they say alone.
      ...(names.includes("") ? ["--exclude", "**/{plans,migrate*,claim-many*}.test.ts"] : []),
      ...names.map((name) => `test/sql/${name}`),
    ],
    {
      cwd: copy,
      stdio: ["ignore", "ignore", "pipe"],
      // oxlint-disable-next-line node/no-process-env -- handed on to the tests
      env: { ...process.env, TEST_DATABASE_URL: server.url },
    },
  );
  const errors: string[] = [];
  vitest.stderr.on("data", (chunk) => errors.push(String(chunk)));
  await new Promise((resolve) => vitest.on("close", resolve));
  return readReport(await readFile(reportFile, "utf8").catch(() => "{}"), errors.join(""));
}

function readReport(text: string, errors: string): Run {
  const { testResults = [] }: { testResults?: { name: string; assertionResults: Assertion[] }[] } =
    JSON.parse(text);
  const results = testResults.flatMap(({ name, assertionResults }) =>
    // Without the names of groups, which patterns join in a way of their own.
    assertionResults.map(({ status, title }) => ({ status, file: name, title })),
  );
  const ran = results.filter(({ status }) => status === "passed" || status === "failed");
  if (ran.length === 0) {
    throw new Error(`no test has run, so nothing is known of this mutant:\n${errors}`);
  }
  return {
    ran: ran.length,
    failed: ran.find(({ status }) => status === "failed"),
  };
}

type Assertion = { readonly status: string; readonly title: string };

function nameOf({ of, original, replacement }: Guard): string {
  return `${of}: ${original}${replacement === "" ? "" : ` => ${replacement}`}`;
}

function lineOf({ guard, caughtBy }: Verdict): string {
  return `${caughtBy === undefined ? "SURVIVED" : "caught  "} ${placeOf(guard)}  ${nameOf(guard)}${
    caughtBy === undefined ? "" : `  by "${caughtBy.trim()}"`
  }`;
}

function placeOf({ file, line }: Guard): string {
  return `${file}:${line}`;
}

/** Print what is left to do; resolves to the exit code. */
function report(verdicts: readonly Verdict[]): number {
  const exempt = guards.filter((guard) => EXEMPT.has(nameOf(guard)));
  for (const guard of exempt) {
    process.stdout.write(
      `exempt   ${placeOf(guard)}  ${nameOf(guard)}: ${EXEMPT.get(nameOf(guard))}\n`,
    );
  }
  const known = new Set(guards.map(nameOf));
  const stale = only === "" ? [...EXEMPT.keys()].filter((name) => !known.has(name)) : [];
  for (const name of stale) {
    process.stdout.write(`stale exemption, there is no such guard: ${name}\n`);
  }
  const caught = verdicts.filter(({ caughtBy }) => caughtBy !== undefined).length;
  process.stdout.write(
    `${caught} of ${verdicts.length} guards caught, ${exempt.length} exempt with a reason\n`,
  );
  return caught === verdicts.length && stale.length === 0 ? 0 : 1;
}
