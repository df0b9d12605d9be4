import { z } from "zod";
import { counted } from "../counted.ts";
import { indented } from "../foreign-text.ts";
import { endedTaskIds, retryTask } from "../postgres/operator-store.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { choice, text } from "../setting.ts";
import { defineCommand } from "./command.ts";
import { confirm } from "./confirm.ts";
import { note, numericId, print, printJson } from "./print.ts";
import { UsageError } from "./usage-error.ts";
import { taskId } from "./values.ts";
import { type Opened, withDatabase } from "./with-database.ts";

/** One command queues at most so many again; running it once more takes the next. */
const RETRY_LIMIT = 10_000;

export const retry = defineCommand({
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
    ["retry --type consumer_triage --status failed", "all of them, after a question"],
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
