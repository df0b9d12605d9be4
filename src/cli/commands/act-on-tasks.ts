import { z } from "zod";
import { cancelTask, decideTask, endedTaskIds, retryTask } from "../../database/operator.ts";
import { codeOf } from "../../database/sqlstate.ts";
import { parseExactly } from "../../model/json.ts";
import { counted, indented } from "../../model/text.ts";
import { choice, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { confirm, readInput } from "../terminal/input.ts";
import { note, numericId, print, printJson, withNumericIds } from "../terminal/output.ts";
import { taskId } from "../terminal/parsing.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";

export const cancelCommand = defineCommand({
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

/** One command queues at most so many again; running it once more takes the next. */
const RETRY_LIMIT = 10_000;

export const retryCommand = defineCommand({
  name: "retry",
  summary: "queue a failed or cancelled task again, or all that a filter finds",
  args: [{ name: "TASK_ID", schema: taskId(), optional: true }],
  options: {
    type: { short: "t", value: "TYPE", about: "all of this task type", schema: text() },
    queue: { short: "q", value: "NAME", about: "all of this queue", schema: text() },
    status: {
      short: "s",
      value: "STATUS",
      about: "all that ended so: failed (default) or cancelled",
      schema: choice(["failed", "cancelled"]),
    },
    yes: { short: "y", about: "do not ask" },
    json: { about: "print one JSON object: retried, skipped" },
  },
  examples: [
    ["retry 42", "task 42 gets its whole budget of attempts again"],
    ["retry --type send_mail --status failed", "all of them, after a question"],
  ],
  run: ({ flags, args: [id] }) => {
    const filter = { taskType: flags.type, queue: flags.queue, status: flags.status };
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    if ((id !== undefined) === isFiltered) {
      throw new UsageError("expected TASK_ID, or --type, --queue, --status, and not both", {
        hint: "triaged retry --help",
      });
    }
    return withDatabase(async (opened) => {
      if (id !== undefined) {
        await opened.asOperator((db) => retryTask(db, id));
        report(flags.json, { retried: [id], skipped: [] });
        return 0;
      }
      const ids = await endedTaskIds(opened.db, {
        ...filter,
        status: flags.status ?? "failed",
        limit: RETRY_LIMIT,
      });
      if (
        ids.length > 0 &&
        !flags.yes &&
        !(await confirm(`Retry ${counted(ids.length, "task")}?`))
      ) {
        note("nothing was changed");
        return 0;
      }
      report(flags.json, await retryAll(opened, ids));
      return 0;
    });
  },
});

type Retried = { retried: string[]; skipped: string[] };

/** One by one: a task that somebody else retried meanwhile must not undo the others. */
async function retryAll({ asOperator }: Opened, ids: readonly string[]): Promise<Retried> {
  const done: Retried = { retried: [], skipped: [] };
  for (const id of ids) {
    try {
      await asOperator((db) => retryTask(db, id));
      done.retried.push(id);
    } catch (err) {
      if (!["TR001", "TR002"].includes(codeOf(err) ?? "")) {
        throw err;
      }
      note(`task ${id} stays as it is: ${indented(z.instanceof(Error).parse(err).message)}`);
      done.skipped.push(id);
    }
  }
  return done;
}

function report(asJson: boolean, { retried, skipped }: Retried): void {
  if (asJson) {
    printJson({ retried: retried.map(numericId), skipped: skipped.map(numericId) });
  } else if (retried.length === 1 && skipped.length === 0) {
    print(`task ${retried[0]} is queued again`);
  } else {
    print(`${counted(retried.length, "task")} queued again, ${skipped.length} skipped`);
  }
}

export const decideCommand = defineCommand({
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
