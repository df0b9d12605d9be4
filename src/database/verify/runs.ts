/** Runs of verify as the database keeps them. Errors are those of queue.ts. */
import { z } from "zod";
import { toJson } from "../../model/json.ts";
import { columnsOf, type Database, IsoTime } from "../database.ts";
import type { Report } from "./verify.ts";

const Counts = z.record(z.string(), z.number());

const VerifyRun = z.object({
  run_id: z.string(),
  began_at: IsoTime,
  ended_at: IsoTime,
  actor: z.string(),
  /** Nothing is wrong, and nothing was left out. */
  is_ok: z.boolean(),
  /** False where the time was over before the last task. */
  is_complete: z.boolean(),
  /** What happened since then was judged; null is all that is kept. */
  since: IsoTime.nullable(),
  /** How much each check judged, and in how much it does not hold. */
  checked: Counts,
  broken: Counts,
  violations: z.array(z.object({ check: z.string(), task_id: z.string(), problem: z.string() })),
});
export type VerifyRun = z.output<typeof VerifyRun>;

/** Violations that are kept of a run; the counts have all. */
const VIOLATIONS_MAX = 20;

/** Keep what a run found. Answers its id. Needs the rights of the owner (42501). */
export async function recordVerify(db: Database, report: Report, beganAt: Date): Promise<string> {
  const { since } = report.horizon;
  const [row] = await db.query({
    text: `select triaged.record_verify(
             $1::timestamptz, $2, $3, $4::timestamptz, $5::jsonb, $6::jsonb, $7::jsonb
           ) as id`,
    values: [
      beganAt.toISOString(),
      report.ok,
      report.complete,
      since === "-infinity" ? null : since,
      toJson(report.checked),
      toJson(report.broken),
      toJson(
        report.violations
          .slice(0, VIOLATIONS_MAX)
          .map(({ check, task_id, problem }) => ({ check, task_id, problem })),
      ),
    ],
  });
  return z.object({ id: z.string() }).parse(row).id;
}

/** The newest run, or null. */
export async function lastVerifyRun(db: Database): Promise<VerifyRun | null> {
  const [row] = await db.query({
    text: `select ${columnsOf(VerifyRun.shape)} from triaged.verify_runs
           order by run_id desc limit 1`,
  });
  return row === undefined ? null : VerifyRun.parse(row);
}

/** Have `triaged jobs` verify now; false where no jobs can be asked. */
export async function requestVerify(db: Database): Promise<boolean> {
  const [row] = await db.query({ text: "select triaged.request_verify() as requested" });
  return z.object({ requested: z.boolean() }).parse(row).requested;
}
