/**
 * What `cancel`, `retry` and `change` do with all tasks that match `--where`: how many these are, a
 * question, and one operation, which `triaged jobs` works on and `triaged operations` shows.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  getOperation,
  type OperationFilter,
  type OperationRow,
  type OperationWork,
  previewOperation,
  startOperation,
} from "../../database/operations.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import type { BulkAction } from "../../model/operation.ts";
import { counted } from "../../model/text.ts";
import { text } from "../../settings/variables.ts";
import { UsageError } from "../terminal/errors.ts";
import { confirm } from "../terminal/input.ts";
import { note, print, printJson, withNumericIds } from "../terminal/output.ts";
import { reason } from "../terminal/parsing.ts";
import type { Opened } from "../terminal/with-database.ts";

/** How often an operation that is followed is looked at. */
const LOOK_MS = 1_000;

/** The flags of a command that acts on all that match. */
export const ALL_OPTIONS = {
  where: {
    short: "w",
    value: "FILTER",
    about: "all tasks that match, such as 'status=failed&type=send_mail&since=2h'",
    schema: text({ max: 10_000 }),
  },
  reason: reason(),
  wait: { about: "with --where: until all is done; Ctrl-C ends the wait, not the operation" },
  yes: { short: "y", about: "do not ask" },
} as const;

/** What the help says of `--where`. */
export const WHERE_HELP =
  "FILTER is that of the dashboard's lists, or their whole address: status, type, queue, repo, context,\n" +
  "parent, worker, error, payload (name=value), since and until (a time, or 2h ago), with & between.\n" +
  "It needs a --reason, is one operation, and is done in batches by `triaged jobs`.";

type Given = {
  readonly where: string;
  readonly reason: string | undefined;
  readonly wait: boolean;
  readonly yes: boolean;
  readonly json: boolean;
};

const DEEDS: Readonly<Record<BulkAction, string>> = {
  retry: "Retry",
  cancel: "Cancel",
  change_priority: "Change the priority of",
  change_run_at: "Change the run time of",
};

/** Preview, ask, begin, and follow where that is wished for. Resolves to the exit code. */
export async function actOnAll(opened: Opened, work: OperationWork, given: Given): Promise<number> {
  const why = given.reason;
  if (why === undefined) {
    throw new UsageError("--where needs a --reason", { hint: "--reason 'the host is back'" });
  }
  const filter = await filterOf(given.where);
  const { count, isEstimate } = await opened.inSnapshot((db) =>
    previewOperation(db, work.action, filter),
  );
  const about = `${isEstimate ? "about " : ""}${counted(count, "task")}`;
  if (count === 0) {
    if (given.json) printJson({ operation_id: null, expected: 0 });
    else note("no task matches for which this is possible; nothing was changed");
    return EXIT_CODES.done;
  }
  if (!given.yes && !(await confirm(`${DEEDS[work.action]} ${about}?`))) {
    note("nothing was changed");
    return EXIT_CODES.done;
  }
  const id = await opened.asOperator((db) => startOperation(db, { ...work, filter }), {
    reason: why,
  });
  if (given.wait) {
    note(`operation ${id} has begun: ${about}`);
    return await followOperation(opened, id, { asJson: given.json });
  }
  if (given.json) {
    printJson(withNumericIds({ operation_id: id, expected: count, is_estimate: isEstimate }));
  } else {
    print(`operation ${id} has begun: ${about}; the jobs do it, batch by batch`);
    note(`hint: triaged operations show ${id}; triaged operations abort ${id}`);
  }
  return EXIT_CODES.done;
}

/** Throws a UsageError for what is no filter. */
async function filterOf(where: string): Promise<OperationFilter> {
  // Loaded here: few commands need the shapes of the gateway.
  const { operationFilter, parseTaskFilter } = await import("../../gateway/task-filter.ts");
  const { ZodError } = await import("zod");
  try {
    return operationFilter(parseTaskFilter(where), new Date());
  } catch (err) {
    if (!(err instanceof ZodError)) throw err;
    const words = err.issues.map(({ path, message }) => [...path, message].join(": "));
    throw new UsageError(`--where: ${words.join("; ")}`, {
      hint: "such as --where 'status=failed&type=send_mail'",
      cause: err,
    });
  }
}

/**
 * Tell on stderr how far an operation is, until it has ended; then print it. Resolves to the exit
 * code: 0, or 1 where it was aborted, or something failed.
 */
export async function followOperation(
  { db }: Opened,
  id: string,
  { asJson }: { readonly asJson: boolean },
): Promise<number> {
  let shown = "";
  for (;;) {
    const row = await getOperation(db, id);
    if (row === null) {
      throw new UsageError(`there is no operation ${id}`, { hint: "triaged operations list" });
    }
    const now = progressOf(row);
    if (row.status !== "running") {
      if (asJson) printJson(withNumericIds(row));
      else print(`operation ${id}: ${now}`);
      const isWhole = row.status !== "aborted" && (row.failed ?? 0) === 0;
      return isWhole ? EXIT_CODES.done : EXIT_CODES.crash;
    }
    if (now !== shown) note(`operation ${id}: ${now}`);
    shown = now;
    await pause(LOOK_MS);
  }
}

/** `running, 1000 of about 4000 done, 3 skipped`. */
export function progressOf(row: OperationRow): string {
  const { status, done, skipped, failed, expected, is_estimate } = row;
  return [
    status,
    `${done} of ${is_estimate === true ? "about " : ""}${expected} done`,
    ...((skipped ?? 0) > 0 ? [`${skipped} skipped`] : []),
    ...((failed ?? 0) > 0 ? [`${failed} failed`] : []),
  ].join(", ");
}
