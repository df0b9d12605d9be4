import { once } from "node:events";
import type { Database } from "../../database/database.ts";
import { findForeignQueues } from "../../database/foreign-queues.ts";
import { readForExport } from "../../database/import.ts";
import { openPool } from "../../database/pool.ts";
import { withSnapshot } from "../../database/transaction.ts";
import { ForeignTaskError } from "../../import/foreign-task.ts";
import { type ImportReport, importTasks } from "../../import/import-tasks.ts";
import { type BullmqOptions, readBullmq } from "../../import/read-bullmq.ts";
import { chooseQueue, readQueue } from "../../import/read-database.ts";
import { readFileOfTasks } from "../../import/read-file.ts";
import type { Source } from "../../import/source.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { TASK_STATUSES, type TaskStatus } from "../../model/task-status.ts";
import { counted, visibleLine } from "../../model/text.ts";
import { parseDatabaseUrl } from "../../settings/database-url.ts";
import { choice, text } from "../../settings/variables.ts";
import { createLogger } from "../../system/logger.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { note, print, printJson, renderTable } from "../terminal/output.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";

/** A line for a person who waits. */
const PROGRESS_MS = 5_000;

export function importCommand(application: Application): Command {
  return defineCommand({
    name: "import",
    summary: "take tasks over from another queue, or from a file of tasks",
    description:
      "SOURCE is a JSON file (of the older systems, or of `triaged export`), the postgres:// URL of\n" +
      "graphile-worker, pg-boss or the older orchestrator, or the redis:// URL of BullMQ. What waits\n" +
      "there is queued here; what has ended is stored as it ended, and never runs; what is running\n" +
      "there stays there. All in one transaction: one task that cannot be taken, and nothing is. Run\n" +
      "again, it takes nothing twice. The source is only read. Tasks that have ended are imported by\n" +
      "an owner of the queue.",
    args: [{ name: "SOURCE", schema: text() }],
    options: {
      "dry-run": { about: "do all of it, say what came of it, and take it back" },
      "take-started": {
        about: "queue what is running there, too: stop its workers first, or it runs twice",
      },
      schema: { value: "NAME", about: "where the other queue's tables are", schema: text() },
      prefix: { value: "NAME", about: "of BullMQ's keys (default bull)", schema: text() },
      queue: { value: "NAME", about: "one queue of BullMQ, instead of all", schema: text() },
      "qualify-ids": { about: "put the name of BullMQ's queue before the ids of its producers" },
      verbose: { short: "v", about: "a line for each task, on stderr" },
      json: { about: "print one JSON object with all counts" },
    },
    examples: [
      ["import queue.json --dry-run", "what would come of it"],
      ["import postgres://localhost/app", "jobs of graphile-worker or pg-boss in that database"],
      ["import redis://localhost:6379", "jobs of all queues of BullMQ"],
    ],
    run: ({ flags, args: [source] }) =>
      withDatabase(async (opened) => {
        const options = {
          schema: flags.schema,
          prefix: flags.prefix,
          queue: flags.queue,
          qualifyIds: flags["qualify-ids"],
          isDryRun: flags["dry-run"],
          takeStarted: flags["take-started"],
          isVerbose: flags.verbose,
        };
        refuseOthersOptions(source, options);
        const { report, notes } = await refusing(() =>
          isPostgres(source)
            ? importDatabase(opened, source, { ...options, application })
            : importSource(opened, options, () =>
                isRedis(source)
                  ? readBullmq(source, bullmqOptions(options))
                  : readFileOfTasks(source),
              ),
        );
        if (flags.json) printJson({ dry_run: options.isDryRun, ...report, notes });
        else print(renderReport(report, notes, options));
        return report.refused > 0 ? EXIT_CODES.usage : EXIT_CODES.done;
      }),
  });
}

type Options = {
  readonly schema: string | undefined;
  readonly prefix: string | undefined;
  readonly queue: string | undefined;
  readonly qualifyIds: boolean;
  readonly isDryRun: boolean;
  readonly takeStarted: boolean;
  readonly isVerbose: boolean;
};
type Imported = { readonly report: ImportReport; readonly notes: readonly string[] };

function isPostgres(source: string): boolean {
  return /^postgres(ql)?:\/\//.test(source);
}

function isRedis(source: string): boolean {
  return /^rediss?:\/\//.test(source);
}

function refuseOthersOptions(source: string, { schema, prefix, queue, qualifyIds }: Options): void {
  if (schema !== undefined && !isPostgres(source)) {
    throw new UsageError("--schema is for a database of PostgreSQL", { hint: "leave it out" });
  }
  if ((prefix !== undefined || queue !== undefined || qualifyIds) && !isRedis(source)) {
    throw new UsageError("--prefix, --queue and --qualify-ids are for BullMQ", {
      hint: "leave them out, or name a redis:// URL",
    });
  }
}

function bullmqOptions({ prefix = "bull", queue, qualifyIds, isDryRun }: Options): BullmqOptions {
  return { prefix, queue, qualifyIds, mayMove: isDryRun };
}

async function refusing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (err) {
    if (!(err instanceof ForeignTaskError)) throw err;
    throw new UsageError(err.message, { hint: "triaged import --help", cause: err });
  }
}

async function importSource(
  opened: Opened,
  options: Options,
  read: () => Promise<Source>,
): Promise<Imported> {
  const source = await read();
  const report = await importInto(opened, options, (db, onTask) =>
    importTasks(db, source, { takeStarted: options.takeStarted, onTask }),
  );
  return { report, notes: source.notes };
}

/** One state of the other database for all that is read there. */
async function importDatabase(
  opened: Opened,
  url: string,
  { application, ...options }: Options & { readonly application: Application },
): Promise<Imported> {
  const pool = openPool(parseDatabaseUrl(url), {
    role: "import",
    pool: { ...opened.config.pool, max: 1 },
    logger: createLogger({ level: opened.config.logLevel, name: "import" }),
  });
  try {
    return await withSnapshot(pool, opened.config.schema, async (there) => {
      const queue = chooseQueue(await findForeignQueues(there), options);
      const source: Source = await readQueue(there, queue);
      const more: string[] = [];
      const report = await importInto(opened, options, async (db, onTask) => {
        const done = await importTasks(db, source, { takeStarted: options.takeStarted, onTask });
        const takeOver = await application.takeOver();
        more.push(...(await takeOver({ there, queue, here: db })));
        return done;
      });
      return { report, notes: [...more, ...source.notes] };
    });
  } finally {
    await pool.end();
  }
}

class RolledBack extends Error {
  readonly report: ImportReport;

  constructor(report: ImportReport) {
    super("rolled back");
    this.report = report;
  }
}

type OnTask = NonNullable<Parameters<typeof importTasks>[2]["onTask"]>;

async function importInto(
  { asOperator }: Opened,
  { isDryRun, isVerbose }: Options,
  work: (db: Database, onTask: OnTask) => Promise<ImportReport>,
): Promise<ImportReport> {
  let done = 0;
  let toldAt = Date.now();
  const onTask: OnTask = (task, outcome) => {
    done += 1;
    if (isVerbose) note(visibleLine(`${task.id}: ${outcome}`));
    else if (Date.now() - toldAt > PROGRESS_MS) {
      toldAt = Date.now();
      note(`${counted(done, "task")} so far`);
    }
  };
  try {
    return await asOperator(async (db) => {
      const report = await work(db, onTask);
      if (isDryRun || report.refused > 0) throw new RolledBack(report);
      return report;
    });
  } catch (err) {
    if (err instanceof RolledBack) return err.report;
    throw err;
  }
}

function renderReport(
  report: ImportReport,
  notes: readonly string[],
  { isDryRun }: Options,
): string {
  const statuses = [...new Set([...Object.keys(report.before), ...Object.keys(report.after)])];
  const left = Object.entries(report.left).map(([status, count]) => `${count} ${status}`);
  return [
    ...report.problems.map((problem) => visibleLine(problem)),
    report.problems.length < report.refused
      ? `… and ${report.refused - report.problems.length} more`
      : "",
    renderTable(
      ["read", "created", "there already", "left there", "refused"],
      [[report.read, report.created, report.duplicates, report.left_ids.length, report.refused]],
    ),
    statuses.length === 0
      ? ""
      : renderTable(
          ["status here", "before", "after"],
          statuses.map((status) => [status, report.before[status] ?? 0, report.after[status] ?? 0]),
        ),
    left.length === 0 ? "" : `Left there: ${left.join(", ")}; --json has their ids.`,
    report.parents_unknown === 0
      ? ""
      : `${counted(report.parents_unknown, "task")} of a parent that is nowhere: metadata.imported.parent_id has its id.`,
    ...notes,
    report.refused > 0
      ? "Nothing was imported, since some were refused."
      : isDryRun
        ? "Nothing was imported: a dry run takes all of it back."
        : "",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** Of one statement; the snapshot is one for all. */
const PAGE = 1_000;

export const exportCommand = defineCommand({
  name: "export",
  summary: "write all tasks as JSON, in the form that `triaged import` reads",
  description:
    "One JSON object on stdout: `tasks`, oldest first, as they are in one moment. Ids are those that\n" +
    "producers gave, else the queue's numbers. With --names, statuses are called as in the system\n" +
    "that takes them back.",
  args: [],
  options: {
    status: {
      short: "s",
      value: "STATUS",
      about: `only in this status: ${TASK_STATUSES.join(", ")}`,
      schema: choice(TASK_STATUSES),
    },
    names: {
      value: "NAMES",
      about: "statuses as here (default), or as in an older system: pending, submitted",
      schema: choice(["here", "pending", "submitted"]),
    },
  },
  examples: [
    ["export > tasks.json", "everything that is still kept"],
    ["export --status queued --names pending > task-queue.json", "what waits, for the way back"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ inSnapshot }) => {
      await inSnapshot(async (db) => {
        const names = flags.names === undefined ? {} : (NAMES[flags.names] ?? {});
        let after = "0";
        let start = `{"system": "triaged", "tasks": [`;
        for (;;) {
          const page = await readForExport(db, {
            after,
            limit: PAGE,
            status: flags.status ?? null,
            names,
          });
          const last = page.at(-1);
          if (last === undefined) break;
          after = last.position;
          await write(`${start}\n${page.map(({ task }) => task).join(",\n")}`);
          start = ",";
        }
        await write(start === "," ? "\n]}\n" : `${start}]}\n`);
      });
      return EXIT_CODES.done;
    }),
});

/** How the older systems call a status. */
const NAMES: Readonly<Record<string, Readonly<Partial<Record<TaskStatus, string>>>>> = {
  pending: { queued: "pending", started: "in_progress", finished: "completed" },
  submitted: {
    queued: "submitted",
    started: "working",
    needs_decision: "input-required",
    finished: "completed",
    cancelled: "canceled",
  },
};

/** A reader that is slower than the database is waited for. */
async function write(part: string): Promise<void> {
  if (!process.stdout.write(part)) await once(process.stdout, "drain");
}
