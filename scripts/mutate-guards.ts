// Whether the tests would notice a guard that is gone: takes each guard out of sql/functions, one
// at a time, in a copy of the project, and wants a test of test/sql to fail.
//
//   npm run mutate-guards               all of them, some ten minutes
//   npm run mutate-guards -- claim      those of the functions whose name matches

import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { findServer } from "../test/support/shared-server.ts";
import { EXEMPT } from "./exempt-guards.ts";
import { findGuards, type Guard } from "./guards.ts";

const ROOT = path.dirname(import.meta.dirname);
const COPIED = ["sql", "src", "tasks", "test", "package.json", "tsconfig.json", "vitest.config.ts"];
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
  [/^record/, "as (fail|retry)|by its ids|claim"],
];

/** What most likely fails, by the name of the function. */
const LIKELY: readonly [RegExp, readonly string[]][] = [
  [/effect|digest/, ["effect"]],
  [/claim/, ["claim-"]],
  [/compat|update_task_status|get_next/, ["compat"]],
  [/update_task$|record/, ["manual-moves", "refused", "history", "settle-batches"]],
  [/dead|rescue|worker/, ["rescue-tasks", "session-lock", "settle-back"]],
  [/dedupe|replace|expire|enqueue/, ["dedupe", "expire-rows", "enqueue"]],
  [/cancel|retry|decide/, ["transitions", "settle-cancel", "earlier", "history"]],
  [/./, ["settle-", "decisions", "earlier", "transitions"]],
];

type Run = { readonly ran: number; readonly failed: string | undefined };
type Verdict = { readonly guard: Guard; readonly caughtBy: string | undefined };

const [only = ""] = process.argv.slice(2);
const guards = (await readGuards()).filter(({ file }) => new RegExp(only).test(file));
const server = await findServer();
const copies = await Promise.all([copyProject(), copyProject()]);
try {
  const queue = guards.filter((guard) => !EXEMPT.has(nameOf(guard)));
  const verdicts = (await Promise.all(copies.map((copy) => judgeFrom(queue, copy)))).flat();
  process.exitCode = report(verdicts);
} finally {
  await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true })));
  await server.stop();
}

async function readGuards(): Promise<Guard[]> {
  // why only tells; it moves nothing.
  const names = (await readdir(path.join(ROOT, FUNCTIONS))).filter(
    (name) => !name.startsWith("why"),
  );
  const found = [];
  for (const name of names.toSorted()) {
    const text = await readFile(path.join(ROOT, FUNCTIONS, name), "utf8");
    found.push(...findGuards(path.basename(name, ".sql"), text));
  }
  return found;
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
    const file = path.join(copy, FUNCTIONS, `${guard.file}.sql`);
    const intact = await readFile(file, "utf8");
    await writeFile(file, guard.mutated);
    const verdict = { guard, caughtBy: await findFailure(guard, copy) };
    await writeFile(file, intact);
    process.stdout.write(`${lineOf(verdict)}\n`);
    verdicts.push(verdict);
  }
  return verdicts;
}

/** The title of a test that fails without the guard. */
async function findFailure({ file, kind }: Guard, copy: string): Promise<string | undefined> {
  const title = kind === "plan" || kind === "batch" ? pick(PLANS, file) : undefined;
  for (const names of title === undefined ? testsFor(file, kind) : [["plans"]]) {
    const { failed } = await runTests(copy, names, title);
    if (failed !== undefined) {
      return failed;
    }
  }
  return undefined;
}

/** Sets of tests, one after the other. What a condition does shows without a second connection. */
function testsFor(file: string, kind: string): (readonly string[])[] {
  return kind.includes("lock") ? [RACES] : [pick(LIKELY, file) ?? [], [""], RACES];
}

function pick<Value>(from: readonly [RegExp, Value][], file: string): Value | undefined {
  return from.find(([pattern]) => pattern.test(file))?.[1];
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
  const { testResults = [] }: { testResults?: { assertionResults: Assertion[] }[] } =
    JSON.parse(text);
  const results = testResults.flatMap((file) => file.assertionResults);
  const ran = results.filter(({ status }) => status === "passed" || status === "failed");
  if (ran.length === 0) {
    throw new Error(`no test has run, so nothing is known of this mutant:\n${errors}`);
  }
  return {
    ran: ran.length,
    failed: ran.find(({ status }) => status === "failed")?.fullName,
  };
}

type Assertion = { readonly status: string; readonly fullName: string };

function nameOf({ file, original, replacement }: Guard): string {
  return `${file}: ${original}${replacement === "" ? "" : ` => ${replacement}`}`;
}

function lineOf({ guard, caughtBy }: Verdict): string {
  return `${caughtBy === undefined ? "SURVIVED" : "caught  "} ${guard.file}.sql:${guard.line}  ${nameOf(
    guard,
  ).slice(guard.file.length + 2)}${caughtBy === undefined ? "" : `  by "${caughtBy.trim()}"`}`;
}

/** Print what is left to do; resolves to the exit code. */
function report(verdicts: readonly Verdict[]): number {
  const exempt = guards.filter((guard) => EXEMPT.has(nameOf(guard)));
  for (const guard of exempt) {
    process.stdout.write(
      `exempt   ${guard.file}.sql:${guard.line}  ${nameOf(guard)}: ${EXEMPT.get(nameOf(guard))}\n`,
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
