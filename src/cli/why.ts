import { visibleLine } from "../foreign-text.ts";
import { whyTask } from "../postgres/operator-store.ts";
import { defineCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { taskId } from "./values.ts";
import { withDatabase } from "./with-database.ts";

export const why = defineCommand({
  name: "why",
  summary: "tell why a task does not run, or what became of it",
  args: [{ name: "TASK_ID", schema: taskId() }],
  options: { json: { about: "print a JSON array of reasons and hints" } },
  examples: [["why 42", "the reasons, the most telling first, and what to do"]],
  run: ({ flags, args: [id] }) =>
    withDatabase(async ({ db }) => {
      const reasons = await whyTask(db, id);
      if (flags.json) {
        printJson(reasons);
      } else {
        for (const { reason, hint } of reasons) {
          print(visibleLine(reason) + (hint === null ? "" : `\n  hint: ${visibleLine(hint)}`));
        }
      }
      return 0;
    }),
});
