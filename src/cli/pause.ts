import { visibleLine } from "../foreign-text.ts";
import type { Database } from "../postgres/database.ts";
import {
  knownNames,
  listPauses,
  type Pausable,
  pause as pauseIt,
} from "../postgres/pause-store.ts";
import { defineCommand } from "./command.ts";
import { formatTime } from "./format.ts";
import { nearest } from "./nearest.ts";
import { PAUSABLE, pausableOf } from "./pausable.ts";
import { note, print, printJson } from "./print.ts";
import { renderTable } from "./table.ts";
import { withDatabase } from "./with-database.ts";

const ROWS_MAX = 10_000;

export const pause = defineCommand({
  name: "pause",
  summary: "claim nothing more of a queue or of a task type; list what is paused",
  description:
    "Tasks can be enqueued as before, and wait. What is started goes on. Without QUEUE and\n" +
    "--type it lists what is paused.",
  args: PAUSABLE.args,
  options: {
    type: PAUSABLE.type,
    json: { about: "print one JSON object: kind, name, outcome; or the list as an array" },
  },
  examples: [
    ["pause mail", "nothing of queue mail is claimed"],
    ["pause --type consumer_triage", "no consumer_triage task is, in whatever queue"],
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
      await asOperator((transaction) => pauseIt(transaction, pausable));
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
  const names = await knownNames(db, kind);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    note(visibleLine(`no task and no worker knows ${kind} ${name}${hint}`));
  }
}
