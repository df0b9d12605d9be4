import { cancelTask } from "../postgres/operator-store.ts";
import { defineCommand } from "./command.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { taskId } from "./values.ts";
import { withDatabase } from "./with-database.ts";

export const cancel = defineCommand({
  name: "cancel",
  summary: "cancel a task that waits, or ask the worker of one that runs to stop it",
  args: [{ name: "TASK_ID", schema: taskId() }],
  options: { json: { about: "print one JSON object: task_id, outcome" } },
  examples: [["cancel 42", "`triaged retry 42` takes it back"]],
  run: ({ flags, args: [id] }) =>
    withDatabase(async ({ asOperator }) => {
      const outcome = await asOperator((db) => cancelTask(db, id));
      if (flags.json) {
        printJson(withNumericIds({ task_id: id, outcome }));
      } else {
        print(
          outcome === "cancelled"
            ? `task ${id} is cancelled`
            : `task ${id} runs: its worker is told to stop it`,
        );
      }
      return 0;
    }),
});
