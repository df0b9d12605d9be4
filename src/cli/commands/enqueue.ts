import type { Database } from "../../database/database.ts";
import { enqueueTask } from "../../database/producer.ts";
import { handledTaskTypes } from "../../database/workers.ts";
import { parsePayload, serializePayload } from "../../model/payload.ts";
import { visibleLine } from "../../model/text.ts";
import { readConfig } from "../../settings/config.ts";
import { choice, integer, text } from "../../settings/variables.ts";
import { awaitTask } from "../terminal/await-task.ts";
import { defineCommand } from "../terminal/command.ts";
import { nearest, UsageError } from "../terminal/errors.ts";
import { readInput } from "../terminal/input.ts";
import { note, print, printJson, withNumericIds } from "../terminal/output.ts";
import { duration, instant, priority, taskId } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

/** Written by hand, with indents, a payload is longer than what is sent of it. */
const INDENTED_FACTOR = 4;

export const enqueueCommand = defineCommand({
  name: "enqueue",
  summary: "put a task into the queue, and wait for its end if asked to",
  description:
    "PAYLOAD is a JSON object, @file, or - for stdin; {} when left out. With --wait it exits\n" +
    "0 when the task finished, 1 when it failed or was cancelled, 75 when --timeout is over.",
  args: [
    { name: "TYPE", schema: text({ max: 200 }) },
    { name: "PAYLOAD", schema: text({ max: Infinity }), optional: true },
  ],
  options: {
    queue: { short: "q", value: "NAME", about: "default: default", schema: text({ max: 200 }) },
    priority: {
      short: "p",
      value: "P",
      about: "0-3 or critical, high, medium (default), low",
      schema: priority(),
    },
    "run-at": { value: "TIME", about: "not before: 2027-01-31T08:00:00Z, +10m", schema: instant() },
    "max-attempts": {
      value: "N",
      about: "failures before it is failed, 1 to 100 (default: its handler's)",
      schema: integer({ min: 1, max: 100 }),
    },
    "dedupe-key": {
      value: "KEY",
      about: "no second live task with this key",
      schema: text({ max: 512 }),
    },
    "dedupe-mode": {
      value: "MODE",
      about: "a duplicate: keep (default) or replace the waiting one",
      schema: choice(["keep", "replace"]),
    },
    "dedupe-for": {
      value: "DURATION",
      about: "hold the key at least so long: 90s, 10m, 2h, 7d",
      schema: duration(),
    },
    parent: { value: "TASK_ID", about: "the task that this one belongs to", schema: taskId() },
    wait: { short: "w", about: "wait for its end and print the result" },
    timeout: { value: "DURATION", about: "with --wait: at most so long", schema: duration() },
    json: { about: "print one JSON object: task_id, outcome; with --wait status, result, error" },
  },
  examples: [
    [`enqueue noop '{"a": 1}'`, "a task of type noop"],
    ["enqueue consumer_triage @examples/p-retry-upgrade.json --wait", "a verdict, read at once"],
    ["enqueue report --run-at +10m --dedupe-key nightly", "later, and only once"],
    ["enqueue mail - --priority high < mail.json", "the payload from stdin"],
  ],
  run: async ({ flags, args: [taskType, word] }) => {
    const { maxPayloadBytes: maxBytes, ...config } = readConfig();
    if (flags.timeout !== undefined && !flags.wait) {
      throw new UsageError("--timeout needs --wait", { hint: "triaged enqueue --help" });
    }
    const given = await readInput(word ?? "{}", { maxBytes: maxBytes * INDENTED_FACTOR });
    const payload = serializePayload(parsePayload(given), { maxBytes });

    return await withDatabase(
      async (opened) => {
        const enqueued = await opened.asOperator((db) =>
          enqueueTask(db, {
            taskType,
            payload,
            queue: flags.queue,
            priority: flags.priority,
            ...flags["run-at"],
            maxAttempts: flags["max-attempts"],
            dedupeKey: flags["dedupe-key"],
            dedupeMode: flags["dedupe-mode"],
            dedupeForMs: flags["dedupe-for"],
            parentTaskId: flags.parent,
          }),
        );
        await noteUnhandled(opened.db, taskType);
        if (flags.wait) {
          return await awaitTask(opened.db, { ...enqueued, ...flags });
        }
        if (flags.json) {
          printJson(withNumericIds({ task_id: enqueued.taskId, outcome: enqueued.outcome }));
        } else {
          print(`task ${enqueued.taskId} ${SAID[enqueued.outcome]}`);
        }
        return 0;
      },
      { ...config, maxPayloadBytes: maxBytes },
    );
  },
});

const SAID = {
  created: "is queued",
  duplicate: "holds this dedupe key already; nothing was enqueued",
  replaced: "waited with this dedupe key and was replaced",
} as const;

/**
 * Tell on stderr of a task type that no worker handles: it may be a slip of the finger. While no
 * worker is there, nothing is known and nothing is told.
 */
async function noteUnhandled(db: Database, taskType: string): Promise<void> {
  const handled = await handledTaskTypes(db);
  if (handled.length === 0 || handled.includes(taskType)) {
    return;
  }
  const meant = nearest(taskType, handled);
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  note(visibleLine(`no worker handles ${taskType}${hint}`));
}
