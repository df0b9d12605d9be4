import {
  awaitTask,
  defineCommand,
  duration,
  parsePayload,
  print,
  printJson,
  priority,
  readInput,
  serializePayload,
  text,
  UsageError,
  withDatabase,
  withNumericIds,
} from "../../index.ts";

import { triageSettings } from "../settings.ts";
import { notifyChange } from "../store.ts";

/** Written by hand, with indents, an event is longer than what is sent of it. */
const INDENTED_FACTOR = 4;

export const notifyCommand = defineCommand({
  name: "notify",
  summary: "tell of a change of a repository: its dependents get a task each",
  description:
    "EVENT is a JSON object with source_repo, commit_sha, commit_message and branch, @file, or -\n" +
    "for stdin. The same commit on the same branch, told again within 24 hours, is the task that\n" +
    "it was the first time. --wait waits for the tasks to be enqueued, not for their verdicts.",
  args: [{ name: "EVENT", schema: text({ max: Infinity }) }],
  options: {
    queue: { short: "q", value: "NAME", about: "default: default", schema: text({ max: 200 }) },
    priority: {
      short: "p",
      value: "P",
      about: "0-3 or critical, high, medium (default), low",
      schema: priority(),
    },
    wait: { short: "w", about: "wait for its end and print the result" },
    timeout: { value: "DURATION", about: "with --wait: at most so long", schema: duration() },
    json: { about: "print one JSON object: task_id, outcome; with --wait status, result, error" },
  },
  examples: [
    ["notify @event.json", "from a file"],
    ["notify @event.json --wait", "and print whom it concerns"],
  ],
  run: async ({ flags, args: [word] }) => {
    if (flags.timeout !== undefined && !flags.wait) {
      throw new UsageError("--timeout needs --wait", { hint: "triaged notify --help" });
    }
    const { maxPayloadBytes: maxBytes } = triageSettings();
    const given = await readInput(word, { maxBytes: maxBytes * INDENTED_FACTOR });
    const event = serializePayload(parsePayload(given), { maxBytes });
    return await withDatabase(async ({ db, asOperator }) => {
      const notified = await asOperator((transaction) => notifyChange(transaction, event, flags));
      if (flags.wait) {
        return await awaitTask(db, { ...notified, ...flags });
      }
      if (flags.json) {
        printJson(withNumericIds({ task_id: notified.taskId, outcome: notified.outcome }));
      } else {
        print(
          notified.outcome === "created"
            ? `task ${notified.taskId} is queued`
            : `task ${notified.taskId} tells of this change already; nothing was enqueued`,
        );
      }
      return 0;
    });
  },
});
