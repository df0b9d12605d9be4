import { describe, expect, test } from "vitest";
import { checkAnyFile } from "../../../scripts/tidy-rules/any-file.ts";
import { checkSqlFile } from "../../../scripts/tidy-rules/sql-file.ts";
import { checkTypescriptFile } from "../../../scripts/tidy-rules/typescript-file.ts";
import type { SourceFile, Violation } from "../../../scripts/tidy-rules/violation.ts";

function fileOf(path: string, text: string): SourceFile {
  return { path, text, lines: text.split("\n") };
}

const messages = (violations: Violation[]) => violations.map(({ message }) => message);

const FUNCTION = `-- Nothing.
create or replace function triaged.do_nothing()
returns void
language sql
as $$
  select;
$$;
`;

describe("a file of SQL", () => {
  test("is tidy with a comment, functions and lowercase", () => {
    const file = fileOf("sql/functions/operate/do-nothing.sql", FUNCTION);

    expect([...checkSqlFile(file), ...checkAnyFile(file)]).toEqual([]);
  });

  test.for([
    { from: "select;", to: "SELECT;", message: "SELECT: lowercase" },
    {
      from: "function triaged.do",
      to: "view triaged.do",
      message: /^expected functions of triaged/,
    },
    { from: "triaged.do", to: "triaged_compat.do", message: /^expected functions of triaged, got/ },
    {
      from: "-- Nothing.\n",
      to: "-- Nothing.\nselect;\n",
      message: "expected a comment on do_nothing",
    },
    { from: "select;", to: "select now();", message: /^now\(\): triaged/ },
    { from: "select;", to: "select clock_timestamp();", message: /triaged\.now\(\) is the one/ },
    { from: "select;", to: `select '${"x".repeat(100)}';`, message: "more than 100 columns" },
    { from: "select;", to: "select from t for update;", message: /^for update wants skip locked/ },
    { from: "  select;", to: "  execute 'select';", message: "dynamic SQL" },
    { from: "language sql", to: "security definer", message: /^security definer wants set/ },
    { from: "  select;", to: "\tselect;", message: "a tab; two blanks" },
  ])("with $to is not", ({ from, to, message }) => {
    const file = fileOf("sql/functions/operate/do-nothing.sql", FUNCTION.replace(from, to));

    expect(messages(checkSqlFile(file))).toEqual([expect.stringMatching(message)]);
  });

  test.for([
    "select from t for update skip locked;",
    "-- Lock order: by id.\n  select from t for update;",
    "select triaged.now(), 'NOW';",
    "-- now() and SELECT in a comment\n  select;",
  ])("with %s is tidy", (to) => {
    const file = fileOf("sql/functions/operate/do-nothing.sql", FUNCTION.replace("select;", to));

    expect(checkSqlFile(file)).toEqual([]);
  });

  test.for([
    ["id bigint primary key", 1],
    ["constraint t_pkey primary key (id)", 0],
    ["check (id > 0)", 1],
    ["constraint t_id_is_positive check (id > 0)", 0],
  ] as const)("names its constraints: %s", ([column, count]) => {
    const text = `-- A table.\ncreate table triaged.t (\n  ${column}\n);\n`;

    expect(checkSqlFile(fileOf("sql/migrations/0001-create-t.sql", text))).toHaveLength(count);
  });
});

describe("a file of functions or of a view", () => {
  test("begins with a comment, and so does each function", () => {
    const file = fileOf(
      "sql/functions/operate/do-nothing.sql",
      FUNCTION.replace("-- Nothing.\n", ""),
    );

    expect(messages(checkSqlFile(file))).toEqual([
      "expected a comment that says what this is",
      "expected a comment on do_nothing",
    ]);
  });

  test("may have several functions, each with its comment", () => {
    const file = fileOf("sql/functions/operate/nothing.sql", `${FUNCTION}\n${FUNCTION}`);

    expect(checkSqlFile(file)).toEqual([]);
  });

  test("may put SQL together in none but the functions that are listed", () => {
    const dynamic = FUNCTION.replace("  select;", "  execute 'select';");
    const listed = dynamic.replace("do_nothing", "close_table");
    const file = fileOf("sql/functions/operate/nothing.sql", `${listed}\n${dynamic}`);

    expect(checkSqlFile(file)).toEqual([expect.objectContaining({ line: 14 })]);
  });

  test.for([
    "sql/functions/do-nothing.sql",
    "sql/functions/nowhere/do-nothing.sql",
    "sql/functions/operate/do_nothing.sql",
  ])("has a name and a folder: not %s", (path) => {
    expect(checkSqlFile(fileOf(path, FUNCTION))).toHaveLength(1);
  });

  test("has a view of its name", () => {
    const view = "-- None.\ncreate or replace view triaged.no_tasks as\nselect;\n";

    expect(checkSqlFile(fileOf("sql/views/no-tasks.sql", view))).toEqual([]);
    expect(messages(checkSqlFile(fileOf("sql/views/tasks.sql", view)))).toEqual([
      "expected view tasks and nothing else, got view no_tasks",
    ]);
  });
});

describe("any file", () => {
  test.for([
    { path: "src/utils/a.ts", text: "a;\n" },
    { path: "src/helpers.ts", text: "a;\n" },
    { path: "src/a.ts", text: "// TODO: later\n" },
    { path: "src/a.ts", text: "a; \n" },
    { path: "src/a.ts", text: "a;" },
    { path: "src/a.ts", text: "a;\n\n" },
    { path: "src/a.ts", text: "a;\n".repeat(451) },
    { path: "src/a.ts", text: "// A zombie.\n" },
  ])("has one violation: $path with $text", ({ path, text }) => {
    expect(checkAnyFile(fileOf(path, text))).toHaveLength(1);
  });
});

describe("a file of TypeScript", () => {
  test.for([
    { path: "src/worker/a.ts", text: "process.exit(1);\n", count: 1 },
    { path: "src/cli/main.ts", text: "process.exit(1);\n", count: 0 },
    { path: "src/a.ts", text: `// ${"x".repeat(98)}\n`, count: 1 },
    { path: "src/a.ts", text: `const a = "${"x".repeat(98)}";\n`, count: 0 },
    { path: "src/a.ts", text: "// oxlint-disable-next-line no-console\n", count: 1 },
    { path: "src/a.ts", text: "// oxlint-disable-next-line no-console -- It talks.\n", count: 0 },
  ])("$path with $text has $count violations", ({ path, text, count }) => {
    expect(checkTypescriptFile(fileOf(path, text))).toHaveLength(count);
  });
});
