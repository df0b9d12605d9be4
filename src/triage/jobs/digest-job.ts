import { type CronMatcher, parseCronItem } from "graphile-worker";
import { cronFieldsOf } from "../../jobs/due-times.ts";
import type { MaintenanceJob } from "../../jobs/job.ts";
import { gatherDigest, readDigestSchedule } from "../store.ts";

/**
 * What waits for the digest becomes one issue for each repository, at the times of the
 * digest_schedule. It looks often, as that may change at any time, and takes what waited then: a
 * time that no process was there for is made up for by the next look.
 */
export const gatherDigestJob: MaintenanceJob = {
  name: "gather-digest",
  cron: "*/5 * * * *",
  async run({ db, isByHand }) {
    const { schedule, now } = await readDigestSchedule(db);
    const due = isByHand ? now : digestLastDue(schedule ?? DEFAULT_DIGEST_SCHEDULE, now);
    const digestsMade =
      due === null ? 0 : await gatherDigest(db, { waitedMs: now.getTime() - due.getTime() });
    return { changes: digestsMade, detail: { digestsMade } };
  },
};

/** When what waits for the digest goes out: the digest_schedule of the notification settings. */

export const DEFAULT_DIGEST_SCHEDULE = "weekly";

/** In UTC, as all jobs of ours. */
const CRONS: Readonly<Record<string, string>> = {
  daily: "0 8 * * *",
  weekly: "0 8 * * 1",
  monthly: "0 8 1 * *",
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The 29th of February may be eight years away. */
const DAYS_MAX = 9 * 366;

/** What is wrong with it, in words; null for nothing, and where there is none. */
export function digestScheduleProblem(schedule: unknown): string | null {
  if (schedule === undefined || schedule === null) return null;
  const expected = `expected ${Object.keys(CRONS).join(", ")}, or a line like "0 8 * * 1"`;
  if (typeof schedule !== "string") return expected;
  try {
    return digestLastDue(schedule, new Date()) === null ? `${schedule} is due on no day` : null;
  } catch {
    return expected;
  }
}

/**
 * The last moment at or before `now` at which the digest was due; null if there was none in nine
 * years. Throws for what is no schedule.
 */
export function digestLastDue(schedule: string, now: Date): Date | null {
  const line = Object.hasOwn(CRONS, schedule) ? CRONS[schedule] : schedule.trim();
  const fields = (line ?? "").split(/ +/);
  const matches = matcherOf(fields);
  const matchesDay = matcherOf(["*", "*", ...fields.slice(2)]);
  let at = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let days = 0; days < DAYS_MAX; days += 1) {
    const midnight = Math.floor(at / DAY_MS) * DAY_MS;
    for (; matchesDay(cronFieldsOf(midnight)) && at >= midnight; at -= MINUTE_MS) {
      if (matches(cronFieldsOf(at))) return new Date(at);
    }
    at = midnight - MINUTE_MS;
  }
  return null;
}

function matcherOf(fields: readonly string[]): CronMatcher {
  const { match } = parseCronItem({ task: "digest", match: fields.join(" ") });
  return match;
}
