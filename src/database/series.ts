/** Series for charts: what happened in each step of a time. Errors are those of queue.ts. */
import { z } from "zod";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { Count } from "./rows.ts";

const SeriesPoint = z.object({
  /** When the step begins, in UTC; the last one goes on. */
  at: IsoTime,
  enqueued: Count,
  claimed: Count,
  /** Attempts that failed, also those that are tried again. */
  failed_attempts: Count,
  /** Tasks that ended so. */
  finished: Count,
  failed: Count,
  cancelled: Count,
  /** From due to started, of the last attempt of what ended; null where nothing did. */
  wait_seconds_p50: z.number().nullable(),
  wait_seconds_p95: z.number().nullable(),
  /** From started to ended. */
  run_seconds_p50: z.number().nullable(),
  run_seconds_p95: z.number().nullable(),
});
export type SeriesPoint = z.output<typeof SeriesPoint>;

/** The times that charts show, each with the length of its steps, in seconds. */
export const SERIES_RANGES = {
  "5m": { seconds: 300, step: 10 },
  "1h": { seconds: 3_600, step: 60 },
  "24h": { seconds: 86_400, step: 900 },
  "7d": { seconds: 604_800, step: 7_200 },
} as const;
export type SeriesRange = keyof typeof SERIES_RANGES;

/**
 * What happened up to now, the oldest step first: a point for each, also where nothing happened.
 * Read from rollups, whatever the tables hold; what `triaged jobs` has not folded yet, of some
 * seconds, is missing.
 */
export async function readSeries(db: Database, range: SeriesRange): Promise<SeriesPoint[]> {
  const { seconds, step } = SERIES_RANGES[range];
  const rows = await db.query({
    text: `select ${columnsOf(SeriesPoint.shape)}
           from triaged.series_since(
             triaged.now() - make_interval(secs => $1), make_interval(secs => $2)
           ) as series
           order by series.at`,
    values: [seconds, step],
  });
  return rows.map((row) => SeriesPoint.parse(row));
}
