import { basename, dirname } from "node:path";
import { at, inLines, lineOf, type SourceFile, type Violation } from "./violation.ts";

const COLUMNS_MAX = 100;
/** How far above a lock the comment on its order may begin. */
const COMMENT_REACH = 8;
/** The only places that put SQL together: partitions, roles and the jobs' schema have any name. */
const DYNAMIC = [
  "abandon_rewrite",
  "add_effect_job",
  "begin_rewrite",
  "close_table",
  "continue_rewrite",
  "create_days_ahead",
  "create_partition",
  "drop_expired_partitions",
  "end_rewrite",
  "is_copied",
  "stray_days",
  "swap_partitions",
];

/** The rules for sql/, which no formatter or linter knows. */
export function checkSqlFile(file: SourceFile): Violation[] {
  const bare = blank(blank(file.text, /--.*/g), /'(?:[^']|'')*'/g);
  return [
    ...checkShape(file, bare),
    ...checkName(file, bare),
    ...checkLocks(file, bare),
    ...checkConstraints(file, bare),
    ...checkFunction(file, bare),
  ];
}

function checkShape(file: SourceFile, bare: string): Violation[] {
  const violations = [
    ...inLines(file, file.lines, new RegExp(`.{${COLUMNS_MAX + 1},}`), "more than 100 columns"),
    ...inLines(file, file.lines, /\t/, "a tab; two blanks"),
    ...inLines(file, bare.split("\n"), /\b[A-Z]{2,}\b/, (found) => `${found}: lowercase`),
  ];
  if (!/^-- \S/.test(file.text)) {
    violations.push(at(file, 1, "expected a comment that says what this is"));
  }
  return violations;
}

/** One function or view in a file, and the file is named for it. */
function checkName(file: SourceFile, bare: string): Violation[] {
  const kind = { functions: "function", views: "view" }[basename(dirname(file.path))];
  if (kind === undefined) {
    return [];
  }
  const made = [
    ...bare.matchAll(/\bcreate (?:or replace )?(\w+) (?:triaged(?:_compat)?\.)?(\w+)/g),
  ].map(([, what, name]) => `${what} ${name}`);
  const expected = `${kind} ${basename(file.path, ".sql").replaceAll("-", "_")}`;
  return made.length === 1 && made[0] === expected
    ? []
    : [at(file, 1, `expected ${expected} and nothing else, got ${made.join(", ") || "nothing"}`)];
}

/** Whoever waits for a lock says in which order; whoever does not skips. */
function checkLocks(file: SourceFile, bare: string): Violation[] {
  return [...bare.matchAll(/\bfor update\b(?! skip locked)/g)].flatMap(({ index }) => {
    const line = lineOf(bare, index);
    const above = file.lines.slice(Math.max(0, line - 1 - COMMENT_REACH), line).join("\n");
    return /-- .*\b[Ll]ock(?:s|ed)?\b|-- For update\b/.test(above)
      ? []
      : [at(file, line, "for update wants skip locked, or a comment on the lock order")];
  });
}

function checkConstraints(file: SourceFile, bare: string): Violation[] {
  return bare
    .split("\n")
    .flatMap((text, index) =>
      /\b(?:primary key|foreign key|references|unique(?! index)|check \()/.test(text) &&
      !/\bconstraint \w+ /.test(text)
        ? [at(file, index + 1, "expected a named constraint")]
        : [],
    );
}

function checkFunction(file: SourceFile, bare: string): Violation[] {
  if (!/^sql\/(?:compat\/)?(?:functions|triggers|views)\//.test(file.path)) {
    return [];
  }
  const name = basename(file.path, ".sql");
  const lines = bare.split("\n");
  const violations = [];
  if (name !== "now") {
    violations.push(
      ...inLines(
        file,
        lines,
        /(?<!triaged\.)\bnow\(\)|\b(?:clock|statement|transaction)_timestamp\(|\bcurrent_timestamp\b/,
        (found) => `${found}: triaged.now() is the one clock`,
      ),
    );
  }
  if (!DYNAMIC.includes(name)) {
    violations.push(...inLines(file, lines, /^\s*execute (?!function)/, "dynamic SQL"));
  }
  if (
    /\bsecurity definer\b/.test(bare) &&
    !/\bset search_path to pg_catalog, pg_temp\b/.test(bare)
  ) {
    violations.push(at(file, 1, "security definer wants set search_path to pg_catalog, pg_temp"));
  }
  return violations;
}

/** The same text with blanks for what matches, so that places stay where they are. */
function blank(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (found) => found.replaceAll(/[^\n]/g, " "));
}
