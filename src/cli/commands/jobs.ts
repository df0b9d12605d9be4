import { locateDatabase } from "../../database/connection-file.ts";
import { readSchedules, schedulesFile } from "../../jobs/crontab.ts";
import { type CompletedJob, runJobsOnce } from "../../jobs/maintenance.ts";
import { adoptRetention, runJobs } from "../../jobs/runner.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { CircuitBreaker } from "../../system/http.ts";
import { createLogger } from "../../system/logger.ts";
import { defineCommand } from "../terminal/command.ts";
import { reportError, UsageError } from "../terminal/errors.ts";
import { note, print, printJson, renderTable } from "../terminal/output.ts";
import { withDatabase } from "../terminal/with-database.ts";

export const jobsCommand = defineCommand({
  name: "jobs",
  summary: "run the clockwork: schedules, partitions, retention; deliver effects",
  description:
    "Makes the partitions of the next days, merges those of old ones, drops those older than\n" +
    "`triaged settings` says from 02:00 UTC on, and deletes expired keys and verdicts. Enqueues the tasks of SCHEDULES_FILE, or of ./crontab, unless --once is given.\n" +
    "Delivers what tasks want done outside of the database (`triaged effects --help`). Any number\n" +
    "may run; each job runs once. graphile-worker keeps its own schema for that: graphile_worker,\n" +
    "or TRIAGED_SCHEMA with _jobs behind it. The database user must own the queue's schema, or be\n" +
    "granted its role …_owner (`triaged migrate` prints it), and may make that schema at the first\n" +
    "start. With --once, a job that fails stops no other; the exit code is that of the first that\n" +
    "failed.",
  args: [],
  options: {
    once: { about: "run every job once, now, and exit" },
    json: { about: "with --once: print an array of jobs, and what each did" },
  },
  examples: [
    ["jobs", "run until told to stop"],
    ["jobs --once", "for the cron of the system, in place of a process that stays"],
    ["jobs --once --json | jq '.[].changes'", "how much each job did"],
  ],
  run: async ({ flags }) => {
    if (flags.json && !flags.once) {
      throw new UsageError("--json needs --once", { hint: "triaged jobs --help" });
    }
    const config = readConfig();
    const parentGone = new AbortController();
    onParentGone(() => parentGone.abort(), { watch: config.startedByNpm });
    const signals = listenForStop();
    const stop = AbortSignal.any([signals.stop, parentGone.signal]);
    try {
      if (flags.once) {
        return await runOnce(config, stop, { asJson: flags.json });
      }
      await runUntil(config, stop);
      return EXIT_CODES.done;
    } finally {
      signals.dispose();
    }
  },
});

async function runUntil(config: Config, stop: AbortSignal): Promise<void> {
  const logger = createLogger({ level: config.logLevel, name: "jobs" });
  for (const sentence of config.leftOver) logger.warn(sentence);
  await runJobs({
    database: await locateDatabase(config.connection),
    direct: config.directConnection,
    schema: config.schema,
    pool: config.pool,
    retention: config.retention,
    schedules: readSchedules(schedulesFile(config.schedulesFile)),
    effects: config.effects,
    logger,
    stop,
  });
}

/** The exit code is that of the first job that failed; those after it ran as well. */
async function runOnce(
  config: Config,
  stop: AbortSignal,
  { asJson }: { asJson: boolean },
): Promise<number> {
  const done: CompletedJob[] = [];
  const failed: { readonly job: string; readonly err: unknown }[] = [];
  await withDatabase(async ({ db }) => {
    const logger = createLogger({ level: config.logLevel, name: "jobs" });
    await adoptRetention(db, { retention: config.retention, logger });
    await runJobsOnce({
      db,
      config: config.effects,
      breaker: new CircuitBreaker(config.effects.breaker),
      logger,
      signal: stop,
      onDone: (one) => done.push(one),
      onFailed: (job, err) => failed.push({ job, err }),
    }).catch((err: unknown) => {
      if (failed.length === 0) {
        throw err;
      }
    });
  }, config);
  if (asJson) {
    printJson([
      ...done.map(({ job, changes, detail }) => ({ job, changes, ...detail })),
      ...failed.map(({ job, err }) => ({ job, error: String(err) })),
    ]);
  } else {
    print(renderTable(["job", "changes", "detail"], done.map(rowOf)));
  }
  const codes = failed.map(({ job, err }) => {
    note(`job ${job} failed`);
    return reportError(err);
  });
  return codes[0] ?? EXIT_CODES.done;
}

function rowOf({ job, changes, detail }: CompletedJob): [string, number, string] {
  const words = Object.entries(detail).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(",") : String(value)}`,
  );
  return [job, changes, words.join(" ")];
}
