import { HISTORY_ROWS_MAX, type HistoryRow, taskHistory } from "../postgres/history-store.ts";
import { getTask } from "../postgres/read-store.ts";
import { integer } from "../setting.ts";
import { defineCommand } from "./command.ts";
import { formatDuration, formatExactTime } from "./format.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { renderTable } from "./table.ts";
import { unknownTask } from "./unknown-task.ts";
import { taskId } from "./values.ts";
import { withDatabase } from "./with-database.ts";

export const history = defineCommand({
  name: "history",
  summary: "show the transitions of a task, the oldest first",
  description:
    "History is kept longer than tasks: it also tells of a task that was dropped. Of more\nthan a thousand transitions, or than --limit, it shows the newest.",
  args: [{ name: "TASK_ID", schema: taskId() }],
  options: {
    limit: {
      short: "n",
      value: "N",
      about: `how many, 1 to ${HISTORY_ROWS_MAX} (default ${HISTORY_ROWS_MAX})`,
      schema: integer({ min: 1, max: HISTORY_ROWS_MAX }),
    },
    json: { about: "print a JSON array of rows, the oldest first" },
  },
  examples: [
    ["history 42", "what happened to task 42, and who did it"],
    ["history 42 --json | jq '.[].event'", "the events alone"],
  ],
  run: ({ flags, args: [id] }) =>
    withDatabase(async ({ db }) => {
      const rows = await taskHistory(db, id, { limit: flags.limit });
      if (rows.length === 0 && (await getTask(db, id)) === null) {
        throw unknownTask(id);
      }
      if (flags.json) {
        printJson(rows.map(withNumericIds));
      } else {
        print(
          renderTable(
            ["at", "event", "status", "attempt", "by", "waited", "ran", "error"],
            rows.map((row) => [
              formatExactTime(row.at),
              row.event,
              row.status,
              row.attempt_count,
              whoDid(row),
              formatDuration(row.wait_ms),
              formatDuration(row.duration_ms),
              row.error,
            ]),
          ),
        );
      }
      return 0;
    }),
});

/** The name of the worker; else the actor, with the login where that calls itself otherwise. */
function whoDid({ actor, worker, login }: HistoryRow): string {
  if (actor === "worker") {
    return worker ?? actor;
  }
  return login === null || login === actor ? actor : `${actor} (${login})`;
}
