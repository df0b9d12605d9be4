import {
  abortOperation,
  getOperation,
  listOperations,
  type OperationRow,
  type OperationsFilter,
} from "../../database/operations.ts";
import { OPERATION_ACTIONS, OPERATION_DOORS } from "../../model/operation.ts";
import { choice, integer, text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import {
  formatTime,
  print,
  printJson,
  renderRecord,
  renderTable,
  withNumericIds,
} from "../terminal/output.ts";
import { operationId, reason, taskId } from "../terminal/parsing.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";
import { followOperation, progressOf } from "./act-on-all.ts";

const LIMIT_MAX = 100;
const COMMANDS = ["list", "show", "abort"] as const;

export const operationsCommand = defineCommand({
  name: "operations",
  summary: "who did what, when and why; how far work on many tasks is, and how to stop it",
  description:
    "`operations list`: what people did, from whatever door, the newest first. `operations show ID`: one,\n" +
    "with how far it is where it is of many tasks. `operations abort ID`: it stops behind the batch that\n" +
    "runs; what it did stays done. `triaged retry`, `cancel` and `change` begin one by --where.",
  args: [
    { name: "ACTION", schema: choice(COMMANDS), optional: true },
    { name: "ID", schema: operationId(), optional: true },
  ],
  options: {
    action: {
      value: "WORD",
      about: `list: only ${OPERATION_ACTIONS.slice(0, 5).join(", ")}, …`,
      schema: choice(OPERATION_ACTIONS),
    },
    actor: { value: "NAME", about: "list: only by this person", schema: text({ max: 200 }) },
    door: {
      value: "DOOR",
      about: `list: only through ${OPERATION_DOORS.join(", ")}`,
      schema: choice(OPERATION_DOORS),
    },
    task: { value: "TASK_ID", about: "list: only of this task", schema: taskId() },
    many: { about: "list: only those of many tasks" },
    limit: {
      short: "n",
      value: "N",
      about: "list: how many, 1 to 100 (default 20)",
      schema: integer({ min: 1, max: LIMIT_MAX }),
    },
    after: {
      value: "ID",
      about: "list: the last one of the page before",
      schema: operationId(),
    },
    wait: { about: "show: until it has ended; then exits 1 where something failed" },
    reason: reason(),
    json: { about: "print JSON: list an array, show an object, abort its id and `aborted`" },
  },
  examples: [
    ["operations list", "the newest twenty"],
    ["operations list --task 42", "who touched task 42"],
    ["operations show 7 --wait", "how far operation 7 is, until it has ended"],
    ["operations abort 7 --reason 'the host is gone again'", "stops it"],
  ],
  run: ({ flags, args: [command = "list", id] }) => {
    if ((id === undefined) !== (command === "list")) {
      throw new UsageError("expected list, or one of show, abort with an ID", {
        hint: "triaged operations --help",
      });
    }
    return withDatabase(async (opened) => {
      if (id === undefined) {
        const { action, actor, door, task, after, limit = 20 } = flags;
        const isBulk = flags.many ? true : undefined;
        const filter = { action, actor, door, after, limit, isBulk, taskId: task };
        await list(opened, filter, { asJson: flags.json });
        return 0;
      }
      if (command === "abort") {
        await abort(opened, id, flags);
        return 0;
      }
      const row = await operationNamed(opened, id);
      if (flags.wait && row.status !== null) {
        return await followOperation(opened, id, { asJson: flags.json });
      }
      if (flags.json) printJson(withNumericIds(row));
      else print(render(row));
      return 0;
    });
  },
});

async function operationNamed({ db }: Opened, id: string): Promise<OperationRow> {
  const row = await getOperation(db, id);
  if (row === null) {
    throw new UsageError(`there is no operation ${id}`, { hint: "triaged operations list" });
  }
  return row;
}

async function list(
  { db }: Opened,
  filter: OperationsFilter,
  { asJson }: { readonly asJson: boolean },
): Promise<void> {
  const rows = await listOperations(db, filter);
  if (asJson) {
    printJson(rows.map(withNumericIds));
    return;
  }
  print(
    renderTable(
      ["operation", "when", "what", "of", "who", "door", "tasks", "why"],
      rows.map((row) => [
        Number(row.operation_id),
        formatTime(row.at),
        row.action,
        targetOf(row),
        row.actor,
        row.door,
        row.status === null ? null : progressOf(row),
        row.reason,
      ]),
    ),
  );
}

/** A task, or what the filter or the target says. */
function targetOf({ task_id, target, change }: OperationRow): string {
  const said = Object.entries({ ...target, ...change }).map(
    ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const words = [...(task_id === null ? [] : [`task ${task_id}`]), ...said];
  return words.length === 0 ? "all" : words.join(", ");
}

function render(row: OperationRow): string {
  const { operation_id, action, at, actor, login, reason: why, door, last_error } = row;
  return renderRecord([
    ["operation", operation_id],
    ["what", action],
    ["of", targetOf(row)],
    ["when", formatTime(at)],
    ["who", actor === login ? actor : `${actor} (login ${login})`],
    ["why", why],
    ["door", door],
    ...(row.status === null
      ? []
      : [
          ["progress", progressOf(row)] as const,
          ["ended", formatTime(row.ended_at)] as const,
          ["last error", last_error] as const,
        ]),
  ]);
}

async function abort(
  opened: Opened,
  id: string,
  { reason: why, json }: { readonly reason: string | undefined; readonly json: boolean },
): Promise<void> {
  const { status } = await operationNamed(opened, id);
  if (status === null) {
    throw new UsageError(`operation ${id} was done at once: there is nothing to stop`, {
      hint: "triaged operations list --many",
    });
  }
  const aborted = await opened.asOperator((db) => abortOperation(db, id), { reason: why });
  if (json) {
    printJson(withNumericIds({ operation_id: id, aborted }));
  } else {
    print(
      aborted
        ? `operation ${id} stops behind the batch that runs; what it did stays done`
        : `operation ${id} had ended`,
    );
  }
}
