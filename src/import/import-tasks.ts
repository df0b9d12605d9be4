/**
 * Take tasks of another system over: what has ended as it ended, never to run; what waits is
 * queued. All in the caller's transaction, and none if one cannot be taken.
 */
import type { Database } from "../database/database.ts";
import {
  countByGivenId,
  findTaskByText,
  type TakenOver,
  takeOverTask,
} from "../database/import.ts";
import type { TaskStatus } from "../model/task-status.ts";
import { type ForeignTask, ForeignTaskError, rowOf } from "./foreign-task.ts";
import type { Source } from "./source.ts";

/** More than these are counted, and not told one by one. */
const PROBLEMS_MAX = 100;

type Counts = Readonly<Record<string, number>>;

export type ImportReport = {
  /** Tasks that the other system has. */
  readonly read: number;
  readonly created: number;
  /** Taken over by an earlier import. */
  readonly duplicates: number;
  /** Tasks that stay there, by what keeps them: `started`, `needs_decision`, `blocked`. */
  readonly left: Counts;
  readonly left_ids: readonly string[];
  /** Tasks whose parent is in neither system; its id is kept in `metadata.imported`. */
  readonly parents_unknown: number;
  /** How many of these tasks are here, by status. */
  readonly before: Counts;
  readonly after: Counts;
  readonly refused: number;
  readonly problems: readonly string[];
};

type Options = {
  /** Queue what was started there: its workers stand still. */
  readonly takeStarted: boolean;
  readonly onTask?: (task: ForeignTask, outcome: string) => void;
};

/** Resolves to what was done, also where some were refused: then roll back. */
export async function importTasks(
  db: Database,
  source: Source,
  { takeStarted, onTask = () => undefined }: Options,
): Promise<ImportReport> {
  const problems: string[] = [];
  const tasks = readAll(source, problems);
  const ids = tasks.map(({ id }) => id);
  const before = await countByGivenId(db, ids);
  const known = new Map<string, string>();
  const left: ForeignTask[] = [];
  const counts = { created: 0, duplicate: 0, refused: 0 };
  let parentsUnknown = 0;
  for (const task of parentsFirst(tasks)) {
    const status = statusHere(task, takeStarted);
    if (status === null) {
      left.push(task);
      onTask(task, `left there: it is ${task.status}`);
      continue;
    }
    const parentTaskId = await parentOf(db, task, known);
    if (task.parentId !== null && parentTaskId === null) parentsUnknown += 1;
    const taken = await takeOver(db, task, { status, parentTaskId });
    counts[taken.outcome] += 1;
    if (taken.outcome === "refused") problems.push(`${task.place}: ${taken.reason}`);
    else known.set(task.id, taken.taskId);
    onTask(task, taken.outcome === "refused" ? "refused" : `${taken.outcome}: ${taken.taskId}`);
  }
  return {
    read: source.tasks.length,
    created: counts.created,
    duplicates: counts.duplicate,
    left: countBy(left.map(({ status }) => status)),
    left_ids: left.map(({ id }) => id),
    parents_unknown: parentsUnknown,
    before: Object.fromEntries(before),
    after: Object.fromEntries(await countByGivenId(db, ids)),
    refused: source.tasks.length - tasks.length + counts.refused,
    problems: problems.slice(0, PROBLEMS_MAX),
  };
}

/** A second task with the id of another would be lost as its duplicate. */
function readAll(source: Source, problems: string[]): ForeignTask[] {
  const byId = new Map<string, ForeignTask>();
  for (const read of source.tasks) {
    try {
      const task = read();
      const other = byId.get(task.id);
      if (other !== undefined) {
        throw new ForeignTaskError(`${task.place}: ${other.place} has its id, ${task.id}`);
      }
      byId.set(task.id, task);
    } catch (err) {
      if (!(err instanceof ForeignTaskError)) throw err;
      problems.push(err.message);
    }
  }
  return [...byId.values()];
}

/** A child is enqueued under the number that its parent has here; a circle comes as it is. */
function parentsFirst(tasks: readonly ForeignTask[]): ForeignTask[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const ordered = new Set<ForeignTask>();
  for (const task of tasks) {
    const line = new Set<ForeignTask>();
    let next: ForeignTask | undefined = task;
    while (next !== undefined && !ordered.has(next) && !line.has(next)) {
      line.add(next);
      next = next.parentId === null ? undefined : byId.get(next.parentId);
    }
    for (const each of [...line].toReversed()) ordered.add(each);
  }
  return [...ordered];
}

/** A task of another system under its id is another task, which would be lost as a duplicate. */
async function takeOver(
  db: Database,
  task: ForeignTask,
  as: Parameters<typeof rowOf>[1],
): Promise<TakenOver> {
  const taken = await takeOverTask(db, rowOf(task, as));
  if (taken.outcome !== "duplicate" || taken.system === null) return taken;
  const { system } = task.kept;
  return [system, "file"].includes(taken.system) || system === "file"
    ? taken
    : { outcome: "refused", reason: `its id, ${task.id}, is that of a task of ${taken.system}` };
}

/** Null: it stays there. */
function statusHere({ status }: ForeignTask, takeStarted: boolean): TaskStatus | null {
  if (status === "blocked" || status === "needs_decision") return null;
  if (status === "started") return takeStarted ? "queued" : null;
  return status;
}

async function parentOf(
  db: Database,
  { parentId }: ForeignTask,
  known: ReadonlyMap<string, string>,
): Promise<string | null> {
  return parentId === null ? null : (known.get(parentId) ?? (await findTaskByText(db, parentId)));
}

function countBy(names: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
