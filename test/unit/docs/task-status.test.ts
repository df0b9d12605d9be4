// Goal: docs/task-status.md says what src/model/task-status.ts and sql/ say.
// Method: read the tables of the page and compare.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readFunctionBodies } from "../../../src/database/schema/sql-files.ts";
import { TASK_STATUSES, TRANSITIONS } from "../../../src/model/task-status.ts";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const PAGE = readFileSync(path.join(ROOT, "docs", "task-status.md"), "utf8");

const BODIES = readFunctionBodies("triaged", "queue");

type Row = {
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly function: string;
};

const ROWS: readonly Row[] = PAGE.split("\n").flatMap((line) => {
  const [, from, to, event, name] = /^\| (\w+) -> (\w+) \| (\w+) \| `(\w+)` \|/.exec(line) ?? [];
  return from && to && event && name ? [{ from, to, event, function: name }] : [];
});

test("the table of transitions is that of the code", () => {
  const documented = ROWS.filter((row) => row.from !== "none").map(
    ({ from, event, to }) => `${from} ${event} ${to}`,
  );

  const coded = TASK_STATUSES.flatMap((from) =>
    Object.entries(TRANSITIONS[from]).flatMap(([event, targets]) =>
      targets.map((to) => `${from} ${event} ${to}`),
    ),
  );
  expect(documented.toSorted()).toEqual(coded.toSorted());
});

test.for(ROWS)("$function, which makes $from into $to, records $event", (row) => {
  expect(eventOf(row.function)).toBe(row.event);
});

/** What the function announces, or the first one that it calls and that announces anything. */
function eventOf(name: string): string | undefined {
  const body = BODIES.get(name) ?? "";
  const [, event] = /note_event\('(\w+)'/.exec(body) ?? [];
  if (event !== undefined) {
    return event;
  }
  const called = [...body.matchAll(/\btriaged\.(\w+)\(/g)].map(([, other = ""]) => other);
  return called.map(eventOf).find((found) => found !== undefined);
}

test("each status has its paragraph", () => {
  for (const status of TASK_STATUSES) {
    expect(PAGE).toContain(`\n**${status}.** `);
  }
});

test("the invariants are the constraints of the tables", () => {
  const tables = readFileSync(path.join(ROOT, "sql/migrations/0001-create-tasks.sql"), "utf8");
  const declared = [...tables.matchAll(/constraint (tasks_\w+) check/g)].map(([, name]) => name);
  const documented = [...PAGE.matchAll(/^\| `(tasks_\w+)` \|/gm)].map(([, name]) => name);

  expect(new Set(documented)).toEqual(new Set(declared));
});
