import { basename } from "node:path";
import { at, inLines, lineOf, type SourceFile, type Violation } from "./violation.ts";

const COLUMNS_MAX = 100;
/** How far above a lock the comment on its order may begin. */
const COMMENT_REACH = 8;
/** What functions are for: the folders of sql/functions, each of which has its files by chapter. */
const DUTIES = [
  "enqueue",
  "claim",
  "settle",
  "workers",
  "operate",
  "audit",
  "retention",
  "outbox",
  "rollup",
  "triage",
  "compat",
  // What no duty owns: the clock, and the locks.
  "shared",
];
/** The only functions that put SQL together: partitions, roles and the jobs' schema have any name. */
const DYNAMIC = [
  "add_maintenance_job",
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
  "maintenance_runs",
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

/** A file of functions makes nothing else, each with a comment; a view has a file of its name. */
function checkName(file: SourceFile, bare: string): Violation[] {
  const name = basename(file.path, ".sql");
  if (file.path.startsWith("sql/") && !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name.replace(".", "-"))) {
    return [at(file, 1, "expected a name like drop-expired.sql")];
  }
  if (file.path.startsWith("sql/functions/")) {
    return checkFunctions(file, bare);
  }
  if (!file.path.startsWith("sql/views/")) {
    return [];
  }
  const made = madeIn(bare).map(({ kind, name: view }) => `${kind} ${view}`);
  const expected = `view ${name.replaceAll("-", "_")}`;
  return made.length === 1 && made[0] === expected
    ? []
    : [at(file, 1, `expected ${expected} and nothing else, got ${made.join(", ") || "nothing"}`)];
}

function checkFunctions(file: SourceFile, bare: string): Violation[] {
  const [, folder = ""] = /^sql\/functions\/([^/]+)\/[^/]+$/.exec(file.path) ?? [];
  if (!DUTIES.includes(folder)) {
    return [at(file, 1, `expected a file in one of the folders ${DUTIES.join(", ")}`)];
  }
  const schema = folder === "compat" ? "triaged_compat" : "triaged";
  const made = madeIn(bare);
  return [
    ...(made.length === 0 ? [at(file, 1, "expected a function, got none")] : []),
    ...made.flatMap((one) => {
      const line = lineOf(bare, one.index);
      return [
        ...(one.kind === "function" && one.schema === schema
          ? []
          : [at(file, line, `expected functions of ${schema}, got ${one.kind} ${one.name}`)]),
        ...(hasComment(file, line) ? [] : [at(file, line, `expected a comment on ${one.name}`)]),
      ];
    }),
  ];
}

/** Above what makes it, or above what drops the one with other arguments first. */
function hasComment(file: SourceFile, line: number): boolean {
  const above = file.lines
    .slice(0, line - 1)
    .filter((text) => text !== "" && !text.startsWith("drop function if exists "));
  return above.at(-1)?.startsWith("--") ?? false;
}

type Made = {
  readonly index: number;
  readonly kind: string;
  readonly schema: string;
  readonly name: string;
};

function madeIn(bare: string): Made[] {
  return [
    ...bare.matchAll(/\bcreate (?:or replace )?(\w+) (?:(triaged(?:_compat)?)\.)?(\w+)/g),
  ].map(({ index, 1: kind = "", 2: schema = "", 3: name = "" }) => ({ index, kind, schema, name }));
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
  if (!/^sql\/(?:functions|triggers|views)\//.test(file.path)) {
    return [];
  }
  const starts = madeIn(bare).filter(({ kind }) => kind === "function");
  const parts =
    starts.length === 0
      ? [{ name: "", from: 0, to: bare.length }]
      : starts.map(({ name, index }, place) => ({
          name,
          from: index,
          to: starts[place + 1]?.index ?? bare.length,
        }));
  return parts.flatMap(({ name, from, to }) =>
    // The lines of the others are blank, so that places stay where they are.
    checkBody(file, name, blank(bare.slice(0, from), /./g) + bare.slice(from, to)),
  );
}

function checkBody(file: SourceFile, name: string, bare: string): Violation[] {
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
    violations.push(
      at(
        file,
        lineOf(bare, bare.search(/\S/)),
        "security definer wants set search_path to pg_catalog, pg_temp",
      ),
    );
  }
  return violations;
}

/** The same text with blanks for what matches, so that places stay where they are. */
function blank(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (found) => found.replaceAll(/[^\n]/g, " "));
}
