import { counted } from "../counted.ts";
import { type Clockwork, type Foreign, readClockwork } from "../jobs/clockwork.ts";
import { JOBS } from "../jobs/jobs.ts";
import { previousRun } from "../jobs/previous-run.ts";
import { adviceAgainstStrangers } from "../postgres/strangers.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import { notAllowed, type Probe } from "./probe.ts";

/** A process that starts, or a job in front, may take so long. */
const LATE_MS_MAX = 600_000;

/** Whether the clockwork runs: partitions, retention, expiry. */
export const jobsProbe: Probe = {
  subject: "jobs",
  async look({ db }) {
    return judgeClockwork(await readClockwork(db));
  },
};

export function judgeClockwork(clockwork: Clockwork | Foreign | "none" | "hidden"): Finding[] {
  if (clockwork === "hidden") {
    return [
      notAllowed("jobs", "graphile-worker's tables are its owner's", "look again as that user"),
    ];
  }
  if (clockwork === "none" || ("known" in clockwork && clockwork.known.length === 0)) {
    return [
      warning(
        "jobs",
        "`triaged jobs` has never run here",
        "start it, unless cron runs `triaged jobs --once`",
      ),
    ];
  }
  if ("strangers" in clockwork) {
    const { schema, strangers } = clockwork;
    return [
      error(
        "jobs",
        `schema ${schema} is not ours alone, and not looked into: ${strangers.join("; ")}`,
        adviceAgainstStrangers(schema),
      ),
    ];
  }
  const { known, failing, now } = clockwork;
  const late = JOBS.flatMap((job) => {
    const due = previousRun(job, new Date(now.getTime() - LATE_MS_MAX));
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
