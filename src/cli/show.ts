import { getTask, type TaskRow } from "../postgres/read-store.ts";
import { defineCommand } from "./command.ts";
import { formatTime, formatValue } from "./format.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { renderResult } from "./render-result.ts";
import { renderRecord } from "./table.ts";
import { unknownTask } from "./unknown-task.ts";
import { taskId } from "./values.ts";
import { withDatabase } from "./with-database.ts";

export const show = defineCommand({
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
