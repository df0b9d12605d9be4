/** `triaged verify`: whether every task and its history tell the same, range by range. */
import { z } from "zod";
import type { Database } from "../database.ts";
import { codeOf } from "../sqlstate.ts";
import { type Breach, type Check, checkRange } from "./checks.ts";
import { type Horizon, holdTables, nextRange, type Range, readHorizon } from "./horizon.ts";

/** Violations of each check that are shown; the rest is counted. */
const VIOLATIONS_MAX = 100;
/** Of the server, for each sort and hash of a range; what is larger goes to its disk. */
const WORK_MEM = "32MB";
/** It reads catalogs, and the default partitions, which hold next to nothing. */
const HORIZON_MS_MAX = 60_000;
const QUERY_CANCELED = "57014";

export type Violation = Breach & { readonly check: Check } & Evidence;

/** How much was looked at, and the violations that were found. */
export type Report = {
  /** Nothing is wrong, and nothing was left out. */
  ok: boolean;
  /** False where the time was over before the last task. */
  complete: boolean;
  readonly horizon: Horizon;
  /** How many tasks, or rows of history, each check judged. */
  readonly checked: Record<Check, number>;
  /** In how many of them it does not hold; `violations` has the first of each. */
  readonly broken: Record<Check, number>;
  readonly violations: Violation[];
};

/**
 * Compare the tasks with their history, some thousand tasks at a time. `db` is a snapshot; with
 * `sinceMs`, only what happened in so many last milliseconds is judged. Changes nothing, and
 * ends after `limitMs` with what it has found by then: a snapshot holds back vacuum.
 */
export async function verifyAudit(
  db: Database,
  { sinceMs, limitMs }: { sinceMs: number | null; limitMs: number },
): Promise<Report> {
  const deadline = Date.now() + limitMs;
  await holdTables(db);
  await fixPlans(db);
  await limitStatements(db, HORIZON_MS_MAX);
  const report = emptyReport(await readHorizon(db, sinceMs));
  report.complete = await lookAtAll(db, deadline, report);
  report.ok = report.complete && report.violations.length === 0;
  return report;
}

/** False where the time was over. */
async function lookAtAll(db: Database, deadline: number, report: Report): Promise<boolean> {
  try {
    let range = await nextRange(db, report.horizon, null);
    while (range !== null && Date.now() < deadline) {
      await limitStatements(db, deadline - Date.now());
      await lookAt(db, range, report);
      range = await nextRange(db, report.horizon, range);
    }
    return range === null;
  } catch (err) {
    if (codeOf(err) !== QUERY_CANCELED) {
      throw err;
    }
    return false;
  }
}

async function lookAt(db: Database, range: Range, report: Report): Promise<void> {
  for (const { check, judged, broken, breaches } of await checkRange(
    db,
    range,
    report.horizon,
    VIOLATIONS_MAX,
  )) {
    const told = Math.min(report.broken[check], VIOLATIONS_MAX);
    report.checked[check] += judged;
    report.broken[check] += broken;
    for (const breach of breaches.slice(0, VIOLATIONS_MAX - told)) {
      report.violations.push({ check, ...breach, ...(await readEvidence(db, breach)) });
    }
  }
}

/**
 * Ranges of task_id are read by their indexes, and joined by hashing, whatever statistics say:
 * each other plan reads the tables, or a range, once for every range or task.
 */
async function fixPlans(db: Database): Promise<void> {
  await db.query({
    text: `select set_config(name, 'off', true)
           from unnest(array['enable_seqscan', 'enable_bitmapscan', 'enable_nestloop', 'jit'])
             as name`,
  });
  await db.query({ text: "select set_config('work_mem', $1, true)", values: [WORK_MEM] });
}

/** The server ends a statement that goes on for longer than what is left of the time. */
async function limitStatements(db: Database, leftMs: number): Promise<void> {
  await db.query({
    text: "select set_config('statement_timeout', $1, true)",
    // 0 would be no limit.
    values: [String(Math.max(1, leftMs))],
  });
}

function emptyReport(horizon: Horizon): Report {
  return {
    ok: false,
    complete: false,
    horizon,
    checked: zeros(),
    broken: zeros(),
    violations: [],
  };
}

function zeros(): Record<Check, number> {
  return {
    state_follows_history: 0,
    transitions_are_legal: 0,
    attempts_do_not_overlap: 0,
    task_was_enqueued: 0,
    final_task_has_end: 0,
    history_has_task: 0,
    task_is_in_one_table: 0,
    held_task_is_claimed: 0,
    operation_is_recorded: 0,
  };
}

/** Rows of history, up to the one at fault, that are shown; the oldest first. */
const EVIDENCE_ROWS_MAX = 6;

const Row = z.record(z.string(), z.unknown());

/** The rows behind a breach, without payload and result: those are the producer's. */
const TaskEvidence = z.object({ tasks: z.array(Row), history: z.array(Row) });
type Evidence = z.output<typeof TaskEvidence>;

/** The rows of a task in both tables, and those of history up to the given one. */
async function readEvidence(
  db: Database,
  { task_id, history_id }: { task_id: string; history_id: string | null },
): Promise<Evidence> {
  const [row] = await db.query({
    text: `select
             array(
               select to_json(found) from (
                 select 'live_tasks' as "table", ${TASK_COLUMNS}
                 from triaged.live_tasks where task_id = $1
                 union all
                 select 'final_tasks', ${TASK_COLUMNS}
                 from triaged.final_tasks where task_id = $1
               ) as found
             ) as tasks,
             array(
               select to_json(found) from (
                 select history_id, at, event, status, attempt_count, worker_id, actor, login,
                   error
                 from triaged.task_history
                 where task_id = $1 and history_id <= coalesce($2, 9223372036854775807)
                 order by history_id desc
                 limit $3
               ) as found
               order by history_id
             ) as history`,
    values: [task_id, history_id, EVIDENCE_ROWS_MAX],
  });
  return TaskEvidence.parse(row);
}

const TASK_COLUMNS =
  "task_type, queue, status, attempt_count, failure_count, rescue_count, worker_id, " +
  "created_at, started_at, ended_at, error";
