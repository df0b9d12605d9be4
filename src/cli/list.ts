import { listTasks } from "../postgres/read-store.ts";
import { choice, integer, text } from "../setting.ts";
import { TASK_STATUSES } from "../task-status.ts";
import { defineCommand } from "./command.ts";
import { formatTime } from "./format.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { renderTable } from "./table.ts";
import { withDatabase } from "./with-database.ts";

export const list = defineCommand({
  name: "list",
  summary: "list tasks, the newest first",
  args: [],
  options: {
    queue: { short: "q", value: "NAME", about: "only of this queue", schema: text() },
    type: { short: "t", value: "TYPE", about: "only of this task type", schema: text() },
    status: {
      short: "s",
      value: "STATUS",
      about: `only in this status: ${TASK_STATUSES.join(", ")}`,
      schema: choice(TASK_STATUSES),
    },
    limit: {
      short: "n",
      value: "N",
      about: "how many, 1 to 100 (default 20)",
      schema: integer({ min: 1, max: 100 }),
    },
    json: { about: "print a JSON array, without payloads and results" },
  },
  examples: [
    ["list", "the newest twenty"],
    ["list --status failed --type consumer_triage", "triage tasks that failed"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ db }) => {
      const tasks = await listTasks(db, {
        queue: flags.queue,
        taskType: flags.type,
        status: flags.status,
        limit: flags.limit ?? 20,
      });
      if (flags.json) {
        printJson(tasks.map(withNumericIds));
      } else {
        print(
          renderTable(
            ["task", "type", "queue", "status", "attempts", "created", "ended", "error"],
            tasks.map((task) => [
              Number(task.task_id),
              task.task_type,
              task.queue,
              task.status,
              task.attempt_count,
              formatTime(task.created_at),
              formatTime(task.ended_at),
              task.error,
            ]),
          ),
        );
      }
      return 0;
    }),
});
