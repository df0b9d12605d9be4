import {
  getTask,
  HISTORY_ROWS_MAX,
  listTasks,
  taskHistory,
  whyTask,
} from "../../database/reader.ts";
import type { HistoryRow, TaskRow } from "../../database/rows.ts";
import { TASK_STATUSES } from "../../model/task-status.ts";
import { visibleLine } from "../../model/text.ts";
import { choice, integer, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { unknownTask } from "../terminal/errors.ts";
import {
  formatDuration,
  formatExactTime,
  formatTime,
  formatValue,
  print,
  printJson,
  renderRecord,
  renderResult,
  renderTable,
  withNumericIds,
} from "../terminal/output.ts";
import { taskId } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

export const showCommand = defineCommand({
  name: "show",
  summary: "show one task: where it stands, its payload, result and error",
  args: [{ name: "TASK_ID", schema: taskId() }],
  options: { json: { about: "print one JSON object with every column" } },
  examples: [
    ["show 42", "what is known of task 42"],
    ["show 42 --json | jq .result", "its result, for a program"],
  ],
  run: ({ flags, args: [id] }) =>
    withDatabase(async ({ db }) => {
      const task = await getTask(db, id, { decimals: "kept" });
      if (task === null) {
        throw unknownTask(id);
      }
      if (flags.json) {
        printJson(withNumericIds(task));
      } else {
        print(renderRecord(fieldsOf(task)));
      }
      return 0;
    }),
});

function fieldsOf(task: TaskRow): [string, string | number | null][] {
  const progress = [
    task.progress_pct === null ? null : `${task.progress_pct} %`,
    task.current_step,
  ].filter((part) => part !== null);
  const fields: [string, string | number | null][] = [
    ["task", task.task_id],
    ["type", task.task_type],
    ["queue", task.queue],
    ["status", task.cancel_requested_at ? `${task.status}, cancel requested` : task.status],
    ["priority", task.priority],
    ["attempts", task.attempt_count],
    ["failures", `${task.failure_count} of ${task.max_attempts}`],
    ["rescues", task.rescue_count || null],
    ["progress", progress.join(", ") || null],
    ["worker", task.worker_id],
    ["created", formatTime(task.created_at)],
    ["due", formatTime(task.run_at)],
    ["started", formatTime(task.started_at)],
    ["ended", formatTime(task.ended_at)],
    ["dedupe key", task.dedupe_key],
    ["parent", task.parent_task_id],
    ["payload", formatValue(task.payload)],
    ["prompt", task.decision_prompt],
    ["decision", task.decision === null ? null : formatValue(task.decision)],
    ["error", task.error],
    ["result", task.result === null ? null : renderResult(task.result)],
  ];
  return fields.filter(([, value]) => value !== null);
}

export const listCommand = defineCommand({
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

export const historyCommand = defineCommand({
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

export const whyCommand = defineCommand({
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
