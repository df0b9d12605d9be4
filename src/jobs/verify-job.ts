/** Verify as a job: each night what happened since the last one, and all where somebody asks. */
import { recordVerify } from "../database/verify/runs.ts";
import { verifyAudit } from "../database/verify/verify.ts";
import type { MaintenanceJob } from "./job.ts";

/** A day, and the hour that a run may be late. */
const SINCE_MS = 90_000_000;
/** A snapshot holds back vacuum: a night's run is short, one that is asked for may take longer. */
const NIGHT_MS_MAX = 120_000;
const ASKED_MS_MAX = 600_000;

/**
 * Compare tasks with their history, and keep what was found for the dashboard. Not where the cron
 * of the system calls: there `triaged verify` has a line of its own, and an exit code.
 */
export const verifyJob: MaintenanceJob = {
  name: "verify",
  cron: "45 4 * * *",
  async run({ db, isByHand, inSnapshot }) {
    if (inSnapshot === undefined) {
      return { changes: 0, detail: {} };
    }
    const beganAt = new Date();
    const limits = isByHand
      ? { sinceMs: null, limitMs: ASKED_MS_MAX }
      : { sinceMs: SINCE_MS, limitMs: NIGHT_MS_MAX };
    const report = await inSnapshot((snapshot) => verifyAudit(snapshot, limits));
    await recordVerify(db, report, beganAt);
    const violationsFound = Object.values(report.broken).reduce((sum, count) => sum + count, 0);
    return { changes: violationsFound, detail: { violationsFound } };
  },
};
