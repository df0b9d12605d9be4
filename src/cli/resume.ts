import { visibleLine } from "../foreign-text.ts";
import type { Database } from "../postgres/database.ts";
import { listPauses, type Pausable, resume as resumeIt } from "../postgres/pause-store.ts";
import { defineCommand } from "./command.ts";
import { nearest } from "./nearest.ts";
import { PAUSABLE, pausableOf } from "./pausable.ts";
import { print, printJson } from "./print.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

const ROWS_MAX = 10_000;

export const resume = defineCommand({
  name: "resume",
  summary: "claim from a queue, or tasks of a type, again",
  args: PAUSABLE.args,
  options: {
    type: PAUSABLE.type,
    json: { about: "print one JSON object: kind, name, outcome" },
  },
  examples: [
    ["resume mail", "queue mail is worked off again"],
    ["resume --type consumer_triage", "so are consumer_triage tasks"],
  ],
  run: async ({ flags, args: [queue] }) => {
    const pausable = pausableOf(queue, flags.type, "resume");
    if (pausable === null) {
      throw new UsageError("expected QUEUE or --type", { hint: "triaged pause lists them" });
    }
    return await withDatabase(async ({ db, asOperator }) => {
      await requirePaused(db, pausable);
      await asOperator((transaction) => resumeIt(transaction, pausable));
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
  const names = (await listPauses(db, ROWS_MAX))
    .filter((one) => one.kind === kind)
    .map((one) => one.name);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    throw new UsageError(`${kind} ${name} is not paused`, {
      hint: meant === null ? "triaged pause lists what is" : `did you mean ${meant}?`,
    });
  }
}
