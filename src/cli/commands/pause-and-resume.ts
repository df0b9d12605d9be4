import type { Pausable } from "../../database/arguments.ts";
import type { Database } from "../../database/database.ts";
import {
  listPauses,
  pausableNames,
  pauseClaiming as pauseIt,
  resumeClaiming as resumeIt,
} from "../../database/operator.ts";
import { visibleLine } from "../../model/text.ts";
import { text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { nearest, UsageError } from "../terminal/errors.ts";
import { formatTime, note, print, printJson, renderTable } from "../terminal/output.ts";
import { reason } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

const nameOfPausable = text({ max: 200 });

/** What `pause` and `resume` take. */
const PAUSABLE = {
  args: [{ name: "QUEUE", schema: nameOfPausable, optional: true }],
  type: {
    short: "t",
    value: "TYPE",
    about: "a task type, in place of a queue",
    schema: nameOfPausable,
  },
} as const;

/** The queue or the task type that was named; null for none. Throws a UsageError for both. */
function pausableOf(
  queue: string | undefined,
  taskType: string | undefined,
  command: string,
): Pausable | null {
  if (queue !== undefined && taskType !== undefined) {
    throw new UsageError("expected QUEUE or --type, and not both", {
      hint: `run it twice: triaged ${command} QUEUE; triaged ${command} --type TYPE`,
    });
  }
  if (taskType !== undefined) {
    return { kind: "task type", name: taskType };
  }
  return queue === undefined ? null : { kind: "queue", name: queue };
}

const ROWS_MAX = 10_000;

export const pauseCommand = defineCommand({
  name: "pause",
  summary: "claim nothing more of a queue or of a task type; list what is paused",
  description:
    "Tasks can be enqueued as before, and wait. What is started goes on. Without QUEUE and\n" +
    "--type it lists what is paused.",
  args: PAUSABLE.args,
  options: {
    type: PAUSABLE.type,
    reason: reason(),
    json: { about: "print one JSON object: kind, name, outcome; or the list as an array" },
  },
  examples: [
    ["pause mail", "nothing of queue mail is claimed"],
    ["pause --type send_mail --reason 'the mail server is away'", "no task of that type is"],
    ["pause", "what is paused, and since when"],
  ],
  run: async ({ flags, args: [queue] }) => {
    const pausable = pausableOf(queue, flags.type, "pause");
    return await withDatabase(async ({ db, asOperator }) => {
      if (pausable === null) {
        await list(db, flags.json);
        return 0;
      }
      await noteIfUnknown(db, pausable);
      await asOperator((transaction) => pauseIt(transaction, pausable), {
        reason: flags.reason,
      });
      if (flags.json) {
        printJson({ ...pausable, outcome: "paused" });
      } else {
        print(visibleLine(`${pausable.kind} ${pausable.name} is paused`));
      }
      return 0;
    });
  },
});

async function list(db: Database, asJson: boolean): Promise<void> {
  const pauses = await listPauses(db, ROWS_MAX);
  if (asJson) {
    printJson(pauses);
  } else if (pauses.length === 0) {
    print("nothing is paused");
  } else {
    const rows = pauses.map(({ kind, name, paused_at }) => [kind, name, formatTime(paused_at)]);
    print(renderTable(["paused", "name", "since"], rows));
  }
}

/** One may pause what is yet to come; but a name that nobody knows may be misspelt. */
async function noteIfUnknown(db: Database, { kind, name }: Pausable): Promise<void> {
  const names = await pausableNames(db, kind);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    note(visibleLine(`no task and no worker knows ${kind} ${name}${hint}`));
  }
}

const PAUSES_MAX = 10_000;

export const resumeCommand = defineCommand({
  name: "resume",
  summary: "claim from a queue, or tasks of a type, again",
  args: PAUSABLE.args,
  options: {
    type: PAUSABLE.type,
    reason: reason(),
    json: { about: "print one JSON object: kind, name, outcome" },
  },
  examples: [
    ["resume mail", "queue mail is worked off again"],
    ["resume --type send_mail", "so are send_mail tasks"],
  ],
  run: async ({ flags, args: [queue] }) => {
    const pausable = pausableOf(queue, flags.type, "resume");
    if (pausable === null) {
      throw new UsageError("expected QUEUE or --type", { hint: "triaged pause lists them" });
    }
    return await withDatabase(async ({ db, asOperator }) => {
      await requirePaused(db, pausable);
      await asOperator((transaction) => resumeIt(transaction, pausable), {
        reason: flags.reason,
      });
      if (flags.json) {
        printJson({ ...pausable, outcome: "resumed" });
      } else {
        print(visibleLine(`${pausable.kind} ${pausable.name} is resumed`));
      }
      return 0;
    });
  },
});

async function requirePaused(db: Database, { kind, name }: Pausable): Promise<void> {
  const names = (await listPauses(db, PAUSES_MAX))
    .filter((one) => one.kind === kind)
    .map((one) => one.name);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    throw new UsageError(`${kind} ${name} is not paused`, {
      hint: meant === null ? "triaged pause lists what is" : `did you mean ${meant}?`,
    });
  }
}
