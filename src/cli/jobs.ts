import { Breaker } from "../breaker.ts";
import { type Config, readConfig } from "../config.ts";
import { readSchedules, schedulesFile } from "../jobs/read-schedules.ts";
import { runJobsOnce } from "../jobs/run-once.ts";
import { runJobs } from "../jobs/runner.ts";
import { createLogger } from "../logger.ts";
import { locateDatabase } from "../postgres/saved-connection.ts";
import { onParentGone } from "../supervisor/parent.ts";
import { listenForStop } from "../supervisor/stop-signals.ts";
import { defineCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { renderTable } from "./table.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

export const jobs = defineCommand({
  name: "jobs",
  summary: "run the clockwork: schedules, partitions, retention; deliver effects",
  description:
    "Makes the partitions of the next days, drops those older than TASK_RETENTION_DAYS and\n" +
    "HISTORY_RETENTION_DAYS from 02:00 UTC on, and deletes expired keys and verdicts. Enqueues\n" +
    "the tasks of SCHEDULES_FILE, or of ./crontab, unless --once is given. Delivers what tasks\n" +
    "want done outside of the database (`triaged effects --help`). Any number may run; each\n" +
    "job runs once. graphile-worker keeps its own schema for that: graphile_worker,\n" +
    "or TRIAGED_SCHEMA with _jobs behind it. The database user must own the queue's schema, or be\n" +
    "granted triaged_owner, and may make that schema at the first start.",
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
      await (flags.once ? runOnce(config, stop, { asJson: flags.json }) : runUntil(config, stop));
    } finally {
      signals.dispose();
    }
    return 0;
  },
});

async function runUntil(config: Config, stop: AbortSignal): Promise<void> {
  await runJobs({
    database: await locateDatabase(config.connection),
    direct: config.directConnection,
    schema: config.schema,
    pool: config.pool,
    retention: config.retention,
    schedules: readSchedules(schedulesFile(config.schedulesFile)),
    effects: config.effects,
    logger: createLogger({ level: config.logLevel, name: "jobs" }),
    stop,
  });
}

async function runOnce(
  config: Config,
  stop: AbortSignal,
  { asJson }: { asJson: boolean },
): Promise<void> {
  const results = await withDatabase(
    ({ db }) =>
      runJobsOnce({
        db,
        retention: config.retention,
        config: config.effects,
        breaker: new Breaker(config.effects.breaker),
        logger: createLogger({ level: config.logLevel, name: "jobs" }),
        signal: stop,
      }),
    config,
  );
  if (asJson) {
    printJson(results.map(({ job, changes, detail }) => ({ job, changes, ...detail })));
  } else {
    const rows = results.map(({ job, changes, detail }) => [
      job,
      changes,
      Object.entries(detail)
        .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(",") : String(value)}`)
        .join(" "),
    ]);
    print(renderTable(["job", "changes", "detail"], rows));
  }
}
