import { parseCronItem } from "graphile-worker";
import { lastDue, type MaintenanceJob } from "../../index.ts";
import { gatherDigest, readDigestSchedule } from "../store.ts";

/**
 * What waits for the digest becomes one issue for each repository, at the times of the
 * digest_schedule. It looks often, as that may change at any time, and takes what waited then: the
 * next look catches up a time that no process was there for.
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

export const DEFAULT_DIGEST_SCHEDULE = "weekly";

/** The words of digest_schedule, in the notification settings; a line of cron else. In UTC. */
const CRONS: Readonly<Record<string, string>> = {
  daily: "0 8 * * *",
  weekly: "0 8 * * 1",
  monthly: "0 8 1 * *",
};

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
  return lastDue(
    { matches: matcherOf(fields), matchesDay: matcherOf(["*", "*", ...fields.slice(2)]) },
    now,
  );
}

function matcherOf(fields: readonly string[]) {
  return parseCronItem({ task: "digest", match: fields.join(" ") }).match;
}
