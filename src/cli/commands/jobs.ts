import { noteStart } from "../../database/audit.ts";
import { locateDatabase } from "../../database/connection-file.ts";
import { openPool } from "../../database/pool.ts";
import { backupJob } from "../../jobs/backup-job.ts";
import { readSchedules, schedulesFile } from "../../jobs/crontab.ts";
import type { MaintenanceJob } from "../../jobs/job.ts";
import { type CompletedJob, jobsWith, runJobsOnce } from "../../jobs/maintenance.ts";
import { adoptRetention, runJobs } from "../../jobs/runner.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { deliverEffect } from "../../outbox/deliver.ts";
import { effectJobs, sweepEffectsJob } from "../../outbox/effect-jobs.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import type { DatabaseUrl } from "../../settings/database-url.ts";
import type { EffectsConfig } from "../../settings/effects.ts";
import { JOBS_METRICS_OFFSET, metricsAddress } from "../../settings/metrics.ts";
import { startSettings } from "../../settings/start-settings.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { CircuitBreaker } from "../../system/http.ts";
import { createLogger } from "../../system/logger.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { reportError, UsageError } from "../terminal/errors.ts";
import { note, print, printJson, renderTable } from "../terminal/output.ts";
import { withDatabase } from "../terminal/with-database.ts";

export function jobsCommand(application: Application): Command {
  return defineCommand({
    name: "jobs",
    summary: "run schedules and maintenance: partitions, retention; deliver effects",
    description:
      "Makes the partitions of the next days, merges those of old ones, drops those older than\n" +
      "`triaged settings` says from 02:00 UTC on, and deletes expired keys. Enqueues the tasks of\n" +
      "SCHEDULES_FILE, or of ./crontab, unless --once is given. Delivers what tasks want done\n" +
      "outside of the database (`triaged effects --help`). Any number may run; each job runs once.\n" +
      "graphile-worker keeps its own schema for that: graphile_worker, or TRIAGED_SCHEMA with\n" +
      "_jobs behind it. The database user must own the queue's schema, or be granted its role\n" +
      "…_owner (`triaged migrate` prints it), and may make that schema at the first start. With\n" +
      "--once, a job that fails stops no other; the exit code is that of the first that failed.",
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
          return await runOnce(application, { config, stop, asJson: flags.json });
        }
        await runUntil(application, config, stop);
        return EXIT_CODES.done;
      } finally {
        signals.dispose();
      }
    },
  });
}

/** Every job of the program, in the order of `--once`. */
export async function jobsOf(
  application: Application,
  { alerts, taskUpdates }: Pick<EffectsConfig, "alerts" | "taskUpdates">,
  backups: readonly MaintenanceJob[] = [],
): Promise<readonly MaintenanceJob[]> {
  const wanted = {
    alerts: alerts.url === null ? [] : alerts.kinds,
    updates: taskUpdates,
    queueAgeMs: alerts.queueAgeMs,
  };
  // The sweep comes after the application's: an effect that those made leaves in the same run.
  return jobsWith([...backups, ...(await application.jobs()), sweepEffectsJob], wanted);
}

/** The job of the dumps, where a folder is named for them; `database` is no pooler. */
export function backupJobsOf(config: Config, database: DatabaseUrl): readonly MaintenanceJob[] {
  const { schema, backup } = config;
  return backup.folder === null
    ? []
    : [backupJob({ database, schema, config: backup, folder: backup.folder })];
}

async function runUntil(
  application: Application,
  config: Config,
  stop: AbortSignal,
): Promise<void> {
  const logger = createLogger({ level: config.logLevel, name: "jobs" });
  for (const sentence of config.leftOver) logger.warn(sentence);
  const database = await locateDatabase(config.connection);
  const pool = openPool(database, {
    role: "jobs metrics",
    pool: { ...config.pool, max: 1 },
    logger,
  });
  // Not before it is needed: the help of all commands needs none of it.
  const { startMetrics } = await import("../../metrics/metrics-server.ts");
  const metrics = startMetrics({
    process: "jobs",
    address: metricsAddress(config.metrics, JOBS_METRICS_OFFSET),
    queue: { pool, schema: config.schema, logger },
    logger,
  });
  const options = {
    database,
    direct: config.directConnection,
    schema: config.schema,
    pool: config.pool,
    retention: config.retention,
    settings: startSettings(config),
    schedules: readSchedules(schedulesFile(config.schedulesFile)),
    jobs: await jobsOf(
      application,
      config.effects,
      backupJobsOf(config, config.directConnection ?? database),
    ),
    effects: effectJobs({ config: config.effects, deliveries: await application.deliveries() }),
    logger,
    stop,
  };
  try {
    await runJobs(options);
  } finally {
    await metrics.close();
    await pool.end();
  }
}

/** The exit code is that of the first job that failed; those after it ran as well. */
async function runOnce(
  application: Application,
  { config, stop, asJson }: { config: Config; stop: AbortSignal; asJson: boolean },
): Promise<number> {
  const done: CompletedJob[] = [];
  const failed: { readonly job: string; readonly err: unknown }[] = [];
  const database = config.directConnection ?? (await locateDatabase(config.connection));
  const jobs = await jobsOf(application, config.effects, backupJobsOf(config, database));
  const deliveries = await application.deliveries();
  await withDatabase(async ({ db }) => {
    const logger = createLogger({ level: config.logLevel, name: "jobs" });
    await adoptRetention(db, { retention: config.retention, logger });
    const settings = startSettings(config);
    await noteStart((work) => work(db), { process: "jobs", settings }, logger);
    const breaker = new CircuitBreaker(config.effects.breaker);
    const means = { db, config: config.effects, deliveries, breaker, logger, signal: stop };
    await runJobsOnce({
      db,
      jobs,
      deliver: async ({ effectId }) => {
        await deliverEffect(effectId, means);
      },
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
