import { type ForeignJobsSchema, type JobRuns, readJobRuns } from "../database/graphile-tables.ts";
import { adviceAgainstStrangers } from "../database/roles/strangers.ts";
import { parseCron } from "../jobs/crontab.ts";
import { lastDue } from "../jobs/due-times.ts";
import type { MaintenanceJob } from "../jobs/job.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, error, notAllowed, ok, warning } from "./probe.ts";

/** A process that starts, or a job in front, may take so long. */
const LATE_MS_MAX = 600_000;

/** Whether the maintenance jobs run: partitions, retention, expiry. */
export const jobsProbe: DoctorProbe = {
  subject: "jobs",
  async look({ db, jobs }) {
    return judgeJobRuns(await readJobRuns(db), jobs);
  },
};

export function judgeJobRuns(
  runs: JobRuns | ForeignJobsSchema | "none" | "hidden",
  jobs: readonly Pick<MaintenanceJob, "name" | "cron">[],
): DoctorFinding[] {
  if (runs === "hidden") {
    return [
      notAllowed("jobs", "graphile-worker's tables are its owner's", "look again as that user"),
    ];
  }
  if (runs === "none" || ("known" in runs && runs.known.length === 0)) {
    return [
      warning(
        "jobs",
        "`triaged jobs` has never run here",
        "start it, unless cron runs `triaged jobs --once`",
      ),
    ];
  }
  if ("strangers" in runs) {
    const { schema, strangers } = runs;
    return [
      error(
        "jobs",
        `schema ${schema} is not ours alone, and not looked into: ${strangers.join("; ")}`,
        adviceAgainstStrangers(schema),
      ),
    ];
  }
  const { known, failing, now } = runs;
  const late = jobs.flatMap((job) => {
    const due = lastDue(parseCron(job.cron), new Date(now.getTime() - LATE_MS_MAX));
    const seen = known.find(({ name }) => name === job.name);
    const since = seen?.last_run_at ?? seen?.known_since;
    return due === null || (since !== undefined && since >= due)
      ? []
      : [
          warning(
            "jobs",
            `${job.name} was due at ${due.toISOString()}, and ${lastRun(seen?.last_run_at)}`,
            "is `triaged jobs` running? For now: triaged jobs --once",
          ),
        ];
  });
  const failed = failing.map(({ name, attempts, error: reason }) =>
    warning(
      "jobs",
      `${name} failed ${counted(attempts, "time")}: ${reason}`,
      "correct the cause; then: triaged jobs --once",
    ),
  );
  return late.length + failed.length > 0 ? [...late, ...failed] : [ok("jobs", "ran when due")];
}

function lastRun(at: Date | null | undefined): string {
  return at === null || at === undefined ? "never ran" : `ran last at ${at.toISOString()}`;
}
