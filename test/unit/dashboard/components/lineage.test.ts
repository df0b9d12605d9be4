import { expect, test } from "vitest";
import {
  LINEAGE_TASKS_MAX,
  lineageView,
  type Relative,
} from "../../../../src/dashboard/components/lineage.ts";

const addressOf = (taskId: string) => `/ui/tasks/${taskId}`;
const relative = (id: number, parent: number | null, type = "mail"): Relative => ({
  task_id: String(id),
  parent_task_id: parent === null ? null : String(parent),
  task_type: type,
  status: "queued",
});

test("children stand in the list of their parent, and the task itself is no link", () => {
  const family = [relative(1, null), relative(2, 1), relative(3, 2), relative(4, 1)];
  const shown = String(lineageView(family, { taskId: "3", addressOf }));

  expect(shown.match(/<ul>/g)).toHaveLength(3);
  expect(shown).toContain(`<b aria-current="page">mail 3</b>`);
  expect(shown).toContain(`href="/ui/tasks/4"`);
  expect(shown).not.toContain(`href="/ui/tasks/3"`);
});

test("of a large family the task is among those that are drawn, with all above it", () => {
  const family = [
    relative(1, null),
    ...Array.from({ length: 500 }, (_, at) => relative(at + 2, 1)),
    relative(600, 501),
  ];
  const shown = String(lineageView(family, { taskId: "600", addressOf }));

  expect(shown.match(/<li>/g)).toHaveLength(LINEAGE_TASKS_MAX);
  expect(shown).toContain("mail 501");
  expect(shown).toContain(`and ${502 - LINEAGE_TASKS_MAX} more tasks`);
});

test("a family of one line of descent is drawn, however long it is", () => {
  const family = Array.from({ length: 9000 }, (_, at) => relative(at + 1, at === 0 ? null : at));

  expect(String(lineageView(family, { taskId: "9000", addressOf }))).toContain("mail 9000");
});

test("a type with markup is text", () => {
  const family = [relative(1, null, "<b>"), relative(2, 1, "<i>")];

  expect(String(lineageView(family, { taskId: "1", addressOf }))).not.toMatch(/<b>|<i>/);
});
