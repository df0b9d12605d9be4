import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { changePriority, changeRunAt, type OperationWork } from "../../database/operations.ts";
import { cancelTask, decideTask, endedTaskIds, retryTask } from "../../database/operator.ts";
import { databaseNow } from "../../database/schedules.ts";
import { codeOf } from "../../database/sqlstate.ts";
import { parseExactly } from "../../model/json.ts";
import { PRIORITY_NAMES, type Priority } from "../../model/task.ts";
import { counted, indented } from "../../model/text.ts";
import { choice, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { confirm, readInput } from "../terminal/input.ts";
import { note, numericId, print, printJson, withNumericIds } from "../terminal/output.ts";
import { instant, priority, reason, taskId } from "../terminal/parsing.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";
import { ALL_OPTIONS, actOnAll, WHERE_HELP } from "./act-on-all.ts";

export const cancelCommand = defineCommand({
  name: "cancel",
  summary:
    "cancel a task that waits, or ask the worker of one that runs to stop it; or all that match",
  description: WHERE_HELP,
  args: [{ name: "TASK_ID", schema: taskId(), optional: true }],
  options: {
    ...ALL_OPTIONS,
    json: { about: "print one JSON object: task_id, outcome; with --where operation_id, expected" },
  },
  examples: [
    ["cancel 42", "`triaged retry 42` takes it back"],
    [
      "cancel --where 'queue=mail&status=queued' --reason 'sent twice'",
      "all of them, after a question",
    ],
  ],
  run: ({ flags, args: [id] }) => {
    const { where } = flags;
    if ((id === undefined) === (where === undefined)) {
      throw new UsageError("expected TASK_ID or --where, and not both", {
        hint: "triaged cancel --help",
      });
    }
    return withDatabase(async (opened) => {
      if (where !== undefined)
        return await actOnAll(opened, { action: "cancel" }, { ...flags, where });
      const ofTask = id ?? "";
      const outcome = await opened.asOperator((db) => cancelTask(db, ofTask), {
        reason: flags.reason,
      });
      if (flags.json) {
        printJson(withNumericIds({ task_id: ofTask, outcome }));
      } else {
        print(
          outcome === "cancelled"
            ? `task ${ofTask} is cancelled`
            : `task ${ofTask} runs: its worker is told to stop it`,
        );
      }
      return 0;
    });
  },
});

/** One command queues at most so many again; running it once more takes the next. */
const RETRY_LIMIT = 10_000;

export const retryCommand = defineCommand({
  name: "retry",
  summary: "queue a failed or cancelled task again, or all that a filter finds",
  description: WHERE_HELP,
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
    ...ALL_OPTIONS,
    json: { about: "print one JSON object: retried, skipped; with --where operation_id, expected" },
  },
  examples: [
    ["retry 42", "task 42 gets its whole budget of attempts again"],
    [
      "retry --type send_mail --status failed",
      "all of them, after a question, by this command itself",
    ],
    ["retry --where 'status=failed&error=timeout' --reason 'the host is back'", "by the jobs"],
  ],
  run: ({ flags, args: [id] }) => {
    const filter = { taskType: flags.type, queue: flags.queue, status: flags.status };
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    const { where, reason: why } = flags;
    const ways = [id !== undefined, isFiltered, where !== undefined].filter(Boolean).length;
    if (ways !== 1) {
      throw new UsageError(
        "expected TASK_ID, or --type, --queue, --status, or --where, and not both",
        {
          hint: "triaged retry --help",
        },
      );
    }
    return withDatabase(async (opened) => {
      if (where !== undefined)
        return await actOnAll(opened, { action: "retry" }, { ...flags, where });
      if (id !== undefined) {
        await opened.asOperator((db) => retryTask(db, id), { reason: why });
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
      report(flags.json, await retryAll(opened, ids, why));
      return 0;
    });
  },
});

type Retried = { retried: string[]; skipped: string[] };

/** One by one: a task that somebody else retried meanwhile must not undo the others. */
async function retryAll(
  { asOperator }: Opened,
  ids: readonly string[],
  why: string | undefined,
): Promise<Retried> {
  const done: Retried = { retried: [], skipped: [] };
  for (const id of ids) {
    try {
      await asOperator((db) => retryTask(db, id), { reason: why });
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
  options: {
    reason: reason(),
    json: { about: "print one JSON object: task_id, outcome" },
  },
  examples: [
    ["decide 42 yes", "the handler sees the text yes"],
    [`decide 42 '{"merge": true}'`, "the handler sees an object"],
  ],
  run: ({ flags, args: [id, word] }) =>
    withDatabase(async ({ asOperator, config }) => {
      const answer = await readInput(word, { maxBytes: config.maxPayloadBytes });
      await asOperator((db) => decideTask(db, id, jsonOrText(answer)), {
        reason: flags.reason,
      });
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

export const changeCommand = defineCommand({
  name: "change",
  summary: "give a waiting task, or all that match, another priority or run time",
  description: WHERE_HELP,
  args: [{ name: "TASK_ID", schema: taskId(), optional: true }],
  options: {
    priority: {
      short: "p",
      value: "P",
      about: `0 to 3, or ${PRIORITY_NAMES.join(", ")}: claimed earlier or later`,
      schema: priority(),
    },
    "run-at": {
      value: "TIME",
      about: "due then: 2027-01-31T08:00:00Z, +10m from now, or now",
      schema: z.union([z.literal("now"), instant()]),
    },
    ...ALL_OPTIONS,
    json: { about: "print one JSON object: task_id, changed; with --where operation_id, expected" },
  },
  examples: [
    ["change 42 --run-at now", "due at once"],
    ["change --where 'queue=mail' --priority low --reason 'others first'", "after a question"],
  ],
  run: ({ flags, args: [id] }) => {
    const { where, priority: given, "run-at": runAt } = flags;
    if (
      (id === undefined) === (where === undefined) ||
      (given === undefined) === (runAt === undefined)
    ) {
      throw new UsageError("expected TASK_ID or --where, and --priority or --run-at", {
        hint: "triaged change --help",
      });
    }
    return withDatabase(async (opened) => {
      const work: OperationWork =
        given === undefined
          ? { action: "change_run_at", runAt: await runAtOf(opened, runAt ?? "now") }
          : { action: "change_priority", priority: levelOf(given) };
      if (where !== undefined) return await actOnAll(opened, work, { ...flags, where });
      const ofTask = id ?? "";
      const changed = await opened.asOperator((db) => changeTask(db, ofTask, work), {
        reason: flags.reason,
      });
      if (flags.json) printJson(withNumericIds({ task_id: ofTask, changed }));
      else print(`task ${ofTask} ${changed ? "is changed" : "was so before"}`);
      return 0;
    });
  },
});

function levelOf(given: Priority): number {
  return typeof given === "number" ? given : PRIORITY_NAMES.indexOf(given);
}

async function changeTask(db: Database, id: string, work: OperationWork): Promise<boolean> {
  return work.action === "change_priority"
    ? await changePriority(db, id, work.priority)
    : await changeRunAt(db, id, work.action === "change_run_at" ? work.runAt : null);
}

/** A span counts from the time of the database; null is now. */
async function runAtOf(
  { db }: Opened,
  given: "now" | { readonly runAt: Date } | { readonly delayMs: number },
): Promise<Date | null> {
  if (given === "now") return null;
  return "runAt" in given
    ? given.runAt
    : new Date((await databaseNow(db)).getTime() + given.delayMs);
}
