// Goal: docs/sql-api.md tells of every function that a role may call.
// Method: compare the page with sql/grants.sql and with the headers of the functions.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const read = (...names: string[]) => readFileSync(path.join(ROOT, ...names), "utf8");
const PAGE = read("docs", "sql-api.md");

/** What the last grant of the file, that to triaged_api, lists. */
const GRANTED = [
  ...(read("sql", "grants.sql").split("grant execute").at(-1) ?? "").matchAll(
    /^ {2}triaged\.(\w+)/gm,
  ),
].flatMap(([, name]) => (name === undefined ? [] : [name]));

const OWNERS = [
  "create_partition",
  "create_partitions",
  "drop_expired_partitions",
  "merge_partitions",
  "expire_rows",
  "expire_effects",
  "save_setting",
  "drop_old_tasks",
  "cleanup_old_tasks",
];

test.for([...GRANTED, ...OWNERS])("%s is documented", (name) => {
  expect(PAGE).toMatch(new RegExp(`\\b${name}\\(`));
});

test("each argument of enqueue_task is documented", () => {
  const file = read("sql", "functions", "enqueue", "enqueue-task.sql");
  const [, after = ""] = file.split("function triaged.enqueue_task(");
  const [header = ""] = after.split("\nreturns");
  const names = [...header.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);

  expect(names).not.toHaveLength(0);
  expect(names.filter((name) => !new RegExp(`^\\| \`${name}\\b`, "m").test(PAGE))).toEqual([]);
});
