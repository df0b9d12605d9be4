import { parseCronItem } from "graphile-worker";
import type { Job } from "./job.ts";

const MINUTE_MS = 60_000;
/** No job of ours runs less often than once a week. */
const MINUTES_MAX = 8 * 24 * 60;

/**
 * The last moment at or before `now` at which the job was due; null if there was none in a
 * week. By the same matcher as graphile-worker, in UTC.
 */
export function previousRun({ name, cron }: Pick<Job, "name" | "cron">, now: Date): Date | null {
  const { match } = parseCronItem({ task: name, match: cron });
  const thisMinute = now.getTime() - (now.getTime() % MINUTE_MS);
  for (let ago = 0; ago <= MINUTES_MAX; ago++) {
    const at = new Date(thisMinute - ago * MINUTE_MS);
    const digest = {
      min: at.getUTCMinutes(),
      hour: at.getUTCHours(),
      date: at.getUTCDate(),
      month: at.getUTCMonth() + 1,
      dow: at.getUTCDay(),
    };
    if (match(digest)) {
      return at;
    }
  }
  return null;
}
