import { parseExactly } from "../json.ts";
import { decideTask } from "../postgres/operator-store.ts";
import { text } from "../setting.ts";
import { defineCommand } from "./command.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { readInput } from "./read-input.ts";
import { taskId } from "./values.ts";
import { withDatabase } from "./with-database.ts";

export const decide = defineCommand({
  name: "decide",
  summary: "answer a task that waits for a decision; it runs again with the answer",
  description:
    "DECISION is JSON, @file or - for stdin; what is not JSON is sent as the text that it is.\n" +
    "`triaged show TASK_ID` shows what is asked.",
  args: [
    { name: "TASK_ID", schema: taskId() },
    { name: "DECISION", schema: text({ max: 1_048_576 }) },
  ],
  options: { json: { about: "print one JSON object: task_id, outcome" } },
  examples: [
    ["decide 42 yes", "the handler sees the text yes"],
    [`decide 42 '{"merge": true}'`, "the handler sees an object"],
  ],
  run: ({ flags, args: [id, word] }) =>
    withDatabase(async ({ asOperator, config }) => {
      const answer = await readInput(word, { maxBytes: config.maxPayloadBytes });
      await asOperator((db) => decideTask(db, id, jsonOrText(answer)));
      if (flags.json) {
        printJson(withNumericIds({ task_id: id, outcome: "queued" }));
      } else {
        print(`task ${id} is queued with the decision`);
      }
      return 0;
    }),
});

function jsonOrText(answer: string): unknown {
  try {
    return parseExactly(answer, { decimals: "kept" });
  } catch {
    return answer;
  }
}
