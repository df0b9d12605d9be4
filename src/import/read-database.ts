/** Tasks in the tables of another queue, read as records of `readForeignTask`. */
import type { Database } from "../database/database.ts";
import {
  type ForeignQueue,
  type ForeignSystem,
  readForeignRecords,
  readPgBossSchedules,
} from "../database/foreign-queues.ts";
import { isRecord, parseExactly } from "../model/json.ts";
import { crontabLines } from "./crontab-lines.ts";
import { type ForeignRecord, ForeignTaskError, readForeignTask } from "./foreign-task.ts";
import type { Source } from "./source.ts";

/** Of one import: they are in memory at a time, and in one transaction. */
const TASKS_MAX = 1_000_000;
/** As the queue takes them; graphile-worker allows more. */
const MAX_ATTEMPTS = 100;

type Reader = {
  readonly toRecord: (row: ForeignRecord) => ForeignRecord;
  readonly notes: (db: Database, schema: string) => Promise<readonly string[]>;
};

const READERS: Readonly<Record<ForeignSystem, Reader>> = {
  "graphile-worker": {
    toRecord: ofGraphile,
    notes: () =>
      Promise.resolve([
        "Its crontab has the format of ours: name the file in SCHEDULES_FILE.",
        "Its queues ran one job at a time; here tasks of one queue run beside each other.",
      ]),
  },
  "pg-boss": { toRecord: ofPgBoss, notes: schedulesOfPgBoss },
  orchestrator: {
    toRecord: ofOrchestrator,
    notes: () =>
      Promise.resolve([
        "Its cached verdicts stay behind: they are answers of another judge to other inputs.",
      ]),
  },
};

/**
 * The one that is meant: of `schema` where it is named, else the only one. Throws a
 * ForeignTaskError that says what there is.
 */
export function chooseQueue(
  found: readonly ForeignQueue[],
  { schema }: { readonly schema?: string | undefined },
): ForeignQueue {
  const meant = schema === undefined ? found : found.filter((each) => each.schema === schema);
  const [only, ...others] = meant;
  if (only !== undefined && others.length === 0) return only;
  const there = found.map((each) => `${each.system} in ${each.schema}`).join(", ");
  throw new ForeignTaskError(
    only === undefined
      ? `no queue that can be imported is there${schema === undefined ? "" : ` in ${schema}`}${there === "" ? "" : `, but ${there}`}`
      : `several queues are there: ${there}; choose one by --schema`,
  );
}

/** Read all tasks of one queue, in one state of its database. */
export async function readQueue(db: Database, queue: ForeignQueue): Promise<Source> {
  const { system, schema } = queue;
  const records = await readForeignRecords(db, queue, TASKS_MAX + 1);
  if (records.length > TASKS_MAX) {
    throw new ForeignTaskError(
      `${schema} has more than ${TASKS_MAX} tasks, the limit of one import`,
    );
  }
  const reader = READERS[system];
  return {
    system,
    tasks: records.map((record) => () => {
      const row = parseExactly(record, { decimals: "kept" });
      const read = reader.toRecord(isRecord(row) ? row : {});
      return readForeignTask(read, {
        place: `${system} ${String(read["id"] ?? read["task_id"])}`,
        system,
      });
    }),
    notes: records.length === 0 ? [] : await reader.notes(db, schema),
  };
}

/** A job whose attempts are spent is kept there for ever, and never runs again: it has failed. */
function ofGraphile(job: ForeignRecord): ForeignRecord {
  const { id, identifier, payload, priority, locked_at, attempts, max_attempts, ...rest } = job;
  const { job_queue_id: _queue, task_id: _task, is_available: _available, ...others } = rest;
  const isSpent = Number(attempts) >= Number(max_attempts);
  return {
    ...others,
    id,
    task_type: identifier,
    payload: payload ?? {},
    status: locked_at === null ? (isSpent ? "failed" : "queued") : "running",
    // The lower, the earlier; most have none.
    priority: Number(priority) === 0 ? 2 : Number(priority) < 0 ? 1 : 3,
    attempts,
    max_attempts: clampAttempts(max_attempts),
    ...(Number(priority) === 0 ? {} : { its_priority: priority }),
  };
}

const STATES_OF_PG_BOSS: Readonly<Record<string, string>> = {
  created: "queued",
  retry: "queued",
  active: "running",
  completed: "finished",
};

function ofPgBoss(job: ForeignRecord): ForeignRecord {
  const { id, name, data, state, priority, output, ...rest } = job;
  const { retry_count, retry_limit, start_after, created_on, started_on, completed_on, ...others } =
    rest;
  const status = STATES_OF_PG_BOSS[String(state)] ?? state;
  const hasRun = started_on !== null && started_on !== undefined;
  return {
    ...others,
    id,
    task_type: name,
    payload: data ?? {},
    status,
    // The higher, the earlier.
    priority: Number(priority) === 0 ? 2 : Number(priority) > 0 ? 1 : 3,
    ...(Number(priority) === 0 ? {} : { its_priority: priority }),
    ...(status === "failed" ? { error: output } : { result: output }),
    created_at: created_on,
    run_at: start_after,
    started_at: started_on,
    ended_at: completed_on,
    attempts: hasRun ? Number(retry_count) + 1 : 0,
    max_attempts: clampAttempts(Number(retry_limit) + 1),
  };
}

async function schedulesOfPgBoss(db: Database, schema: string): Promise<readonly string[]> {
  const schedules = await readPgBossSchedules(db, schema);
  const lines = crontabLines(
    schedules.map(({ name, key, cron, timezone, data }) => ({
      name: key === undefined || key === "" ? name : key,
      taskType: name,
      times: { cron },
      timeZone: timezone ?? "UTC",
      payload: data,
      remarks: [],
    })),
  );
  return lines === "" ? [] : [`Its schedules, as lines for SCHEDULES_FILE:\n${lines}`];
}

/** As the insert into `triage_tasks` does it. */
function ofOrchestrator(task: ForeignRecord): ForeignRecord {
  const { skill_name, source_repo, target_repo, change_event, relationship_config, ...rest } = task;
  const isOther = skill_name !== null && skill_name !== `trigger_${String(rest["task_type"])}`;
  return {
    ...rest,
    payload: {
      source_repo,
      target_repo,
      change_event: change_event ?? {},
      relationship_config: relationship_config ?? {},
    },
    metadata: isOther ? { skill_name } : {},
  };
}

function clampAttempts(given: unknown): number {
  return Math.min(MAX_ATTEMPTS, Math.max(1, Number(given) || 1));
}
