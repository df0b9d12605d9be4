/** When what waits for the digest goes out: the digest_schedule of the notification settings. */
import { type CronMatcher, parseCronItem } from "graphile-worker";
import { digestOf } from "./due.ts";

export const DEFAULT_SCHEDULE = "weekly";

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
    return lastDue(schedule, new Date()) === null ? `${schedule} is due on no day` : null;
  } catch {
    return expected;
  }
}

/**
 * The last moment at or before `now` at which the digest was due; null if there was none in nine
 * years. Throws for what is no schedule.
 */
export function lastDue(schedule: string, now: Date): Date | null {
  const line = Object.hasOwn(CRONS, schedule) ? CRONS[schedule] : schedule.trim();
  const fields = (line ?? "").split(/ +/);
  const matches = matcherOf(fields);
  const matchesDay = matcherOf(["*", "*", ...fields.slice(2)]);
  let at = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let days = 0; days < DAYS_MAX; days += 1) {
    const midnight = Math.floor(at / DAY_MS) * DAY_MS;
    for (; matchesDay(digestOf(midnight)) && at >= midnight; at -= MINUTE_MS) {
      if (matches(digestOf(at))) return new Date(at);
    }
    at = midnight - MINUTE_MS;
  }
  return null;
}

function matcherOf(fields: readonly string[]): CronMatcher {
  const { match } = parseCronItem({ task: "digest", match: fields.join(" ") });
  return match;
}
