import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

/**
 * The paths of docs/architecture.md are the code's: the files are there, and each is imported or
 * called by one above it. And what the other pages call a file is one.
 */
const ROOT = path.join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");
const PAGE = read("docs/architecture.md");

/** How many files of TypeScript and SQL a path may have. */
const PATHS = [
  ["Enqueue", 3, 2],
  ["Claim, run, settle", 8, 4],
  ["Rescue", 2, 2],
  ["Deliver an effect", 4, 1],
  ["Reach a verdict", 9, 0],
] as const;

const section = (heading: string, mark: string) =>
  PAGE.split(`\n${mark} ${heading}\n`)[1]?.split(/\n##/)[0] ?? "";

const stepsOf = (heading: string): string[] =>
  [...section(heading, "###").matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file = ""]) => file);

/** Code without its comments, in which a call counts. */
const codeOf = (file: string) =>
  read(file).replaceAll(file.endsWith(".sql") ? /--.*/g : /\/\/.*|\/\*[^]*?\*\//g, "");

const importsOf = (file: string) =>
  [...codeOf(file).matchAll(/\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/g)].map(([, one, other]) =>
    path.posix.join(path.posix.dirname(file), one ?? other ?? ""),
  );

const functionsOf = (file: string) =>
  [...codeOf(file).matchAll(/\bcreate (?:or replace )?function triaged\.(\w+)/g)].map(
    ([, name = ""]) => name,
  );

/** Whether the one file imports the other, or calls one of its functions of SQL. */
function uses(caller: string, file: string): boolean {
  if (!file.endsWith(".sql")) {
    return importsOf(caller).includes(file);
  }
  const code = codeOf(caller);
  return functionsOf(file).some((name) => new RegExp(`\\btriaged\\.${name}\\(`).test(code));
}

describe.each(PATHS)("the path %s", (heading, typescriptMax, sqlMax) => {
  const steps = stepsOf(heading);

  test("is short", () => {
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.filter((file) => file.endsWith(".ts")).length).toBeLessThanOrEqual(typescriptMax);
    expect(steps.filter((file) => file.endsWith(".sql")).length).toBeLessThanOrEqual(sqlMax);
  });

  test.each(steps.slice(1).map((file, place) => ({ file, above: steps.slice(0, place + 1) })))(
    "$file is imported or called by a file above it",
    ({ file, above }) => {
      expect(above.filter((caller) => uses(caller, file))).not.toEqual([]);
    },
  );
});

test("words of the glossary are in order, and each has its line once", () => {
  const words = [...section("Glossary", "##").matchAll(/^\| ([a-z][^|]*) \| /gm)]
    .map(([, word = ""]) => word)
    .filter((word) => word !== "word");

  expect(words.length).toBeGreaterThan(30);
  expect(words).toEqual([...new Set(words)].toSorted());
});

/** Every page but records of decisions, which tell of their time. */
const PAGES = [
  ...globSync("docs/*.md", { cwd: ROOT }),
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "test/formal/README.md",
];
const FILES = globSync(
  ["*.ts", "{src,sql,test,scripts,bench,tasks,bin,examples}/**/*.{ts,js,sql}"],
  {
    cwd: ROOT,
    exclude: (file) => /(?:^|\/)node_modules$/.test(file),
  },
);
const NAMES = new Set(FILES.map((file) => path.basename(file)));
/** Names of files that nobody has, in what the pages explain. */
const EXAMPLES = /^(?:x\.(?:test|d)\.ts|_x\.ts|dist\/a\.js|src\/a\.ts|ipaddr\.js|.*[A-Z]{4}.*)$/;

test.each(PAGES)("the files that %s names are there", (page) => {
  const named = [...read(page).matchAll(/`([\w./-]+(?:\.(?:ts|js|sql)|\/))`/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !EXAMPLES.test(name));

  const gone = named.filter((name) =>
    /^(?:src|sql|test|scripts|bench|docs|bin)\//.test(name)
      ? !existsSync(path.join(ROOT, name))
      : /\.(?:ts|js|sql)$/.test(name) && !NAMES.has(path.basename(name)),
  );
  expect(gone).toEqual([]);
});
