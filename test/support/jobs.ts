import { onTestFinished, vi } from "vitest";
import { jobsOf } from "../../src/cli/commands/jobs.ts";
import { type Queryable } from "../../src/database/database.ts";
import { parseCrontab } from "../../src/jobs/crontab.ts";
import { runJobs } from "../../src/jobs/runner.ts";
import { effectJobs } from "../../src/outbox/effect-jobs.ts";
import type { Config } from "../../src/settings/config.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { effectsConfigOf } from "../../src/settings/effects.ts";
import { SETTINGS } from "../../src/settings/variables.ts";
import { createLoggerTo } from "../../src/system/logger.ts";
import { triage } from "../../src/triage/application.ts";
import { waitFor } from "./connections.ts";
import { query } from "./tasks.ts";

/** As without any setting. */
export const EFFECTS = effectsConfigOf(SETTINGS.parse({}), []);

/** What the program runs: the queue's jobs and triage's, and deliveries of every kind. */
export const JOBS = await jobsOf(triage, EFFECTS);
export const DELIVERIES = await triage.deliveries();

type Line = Record<string, unknown> & { level: string; msg: string };

/** What one process does for `triaged jobs`. */
export type RunningJobs = AsyncDisposable & {
  /** What it logged so far. */
  readonly log: () => Line[];
  /** The messages above debug. */
  readonly messages: () => string[];
  /** Whether it logged that, on whatever level. */
  readonly said: (message: string) => boolean;
  readonly stop: () => void;
  readonly ended: Promise<void>;
};

/** Run the jobs on a database, and stop them when the scope ends: `await using`. */
export function startJobs(
  url: string,
  {
    schema = "triaged",
    crontab = "",
    retention = { taskDays: null, historyDays: null },
  }: { schema?: string; crontab?: string; retention?: Config["retention"] } = {},
): RunningJobs {
  const lines: Line[] = [];
  const stop = new AbortController();
  const ended = runJobs({
    database: parseDatabaseUrl(url),
    direct: null,
    schema,
    pool: { max: 10, acquireTimeoutMs: 10_000, recycleMs: 3_600_000 },
    retention,
    schedules: parseCrontab(crontab),
    jobs: JOBS,
    effects: effectJobs({ config: EFFECTS, deliveries: DELIVERIES }),
    logger: createLoggerTo(
      { write: (line) => lines.push(JSON.parse(line)) },
      { level: "debug", name: "jobs" },
    ),
    stop: stop.signal,
  });
  // Whoever waits for it gets the error; whoever does not sees what is missing.
  ended.catch(() => undefined);
  return {
    log: () => lines,
    messages: () => lines.filter(({ level }) => level !== "debug").map(({ msg }) => msg),
    said: (message) => lines.some(({ msg }) => msg === message),
    stop: () => stop.abort(),
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}

/** Start the jobs, and resolve when they run. */
export async function startedJobs(
  url: string,
  options?: Parameters<typeof startJobs>[1],
): Promise<RunningJobs> {
  const jobs = startJobs(url, options);
  await waitFor(() => jobs.messages().includes("jobs started"));
  return jobs;
}

/**
 * Keep a trace out of the output of the test: graphile-worker prints it past every logger
 * when it cannot record the end of a job.
 */
export function hideTrace(): void {
  vi.spyOn(console, "trace").mockImplementation(() => undefined);
  onTestFinished(() => void vi.restoreAllMocks());
}

/**
 * Have the clock of this process be so many milliseconds before the end of a minute, until the
 * test ends; `again` puts it there once more, before the end of the same minute.
 */
export function beforeMinuteEnds(ms: number): {
  readonly minute: Date;
  readonly again: (ms: number) => void;
} {
  const Real = Date;
  // Backwards, since a job is due at the minute that this clock shows.
  const minute = new Real(Math.floor(Real.now() / 60_000) * 60_000);
  let behindMs = 0;
  const again = (left: number) => {
    behindMs = Real.now() - (minute.getTime() - left);
  };
  again(ms);
  const now = () => Real.now() - behindMs;
  const behind = new Proxy(Real, {
    construct: (target, given) => Reflect.construct(target, given.length === 0 ? [now()] : given),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  vi.stubGlobal("Date", behind);
  onTestFinished(() => void vi.unstubAllGlobals());
  return { minute, again };
}

/** The partitions of a table, without the default one, oldest first. */
export async function partitionsOf(db: Queryable, parent: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    db,
    `select relname as name
     from pg_inherits join pg_class on oid = inhrelid
     where inhparent = $1::regclass and relname ~ '_[0-9]{8}$'
     order by name`,
    [`triaged.${parent}`],
  );
  return rows.map(({ name }) => name);
}

/** The name of the partition for the day of UTC that is so many days from now. */
export function partitionOf(parent: string, days: number): string {
  const day = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  return `${parent}_${day.replaceAll("-", "")}`;
}

/** Make the partition of a day that is so many days from now. */
export async function makePartition(db: Queryable, parent: string, days: number): Promise<void> {
  await db.query(
    "select triaged.create_partition($1, (triaged.now() at time zone 'UTC')::date + $2::integer)",
    [parent, days],
  );
}
