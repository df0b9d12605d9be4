import { existsSync } from "node:fs";
import path from "node:path";
import { locateDatabase } from "../../database/connection-file.ts";
import { type Config, describeConfig, readConfig } from "../../settings/config.ts";
import { JOBS_METRICS_OFFSET, metricsAddress } from "../../settings/metrics.ts";
import { startSettings } from "../../settings/start-settings.ts";
import { integer, SETTINGS, text } from "../../settings/variables.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { createLogger } from "../../system/logger.ts";
import { runDaemon } from "../../worker/daemon.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { print, printJson } from "../terminal/output.ts";

export function workCommand(application: Application): Command {
  return defineCommand({
    name: "work",
    summary: "run a worker: claim tasks and run their handlers",
    description:
      "SIGTERM and Ctrl-C let running tasks finish within SHUTDOWN_GRACE_MS and release the\n" +
      "rest; a second one does not wait. Without --tasks, the folder tasks/ here counts, and\n" +
      "where there is none, the handlers that come with triaged.",
    args: [],
    options: {
      drain: { about: "work off what is due, then exit" },
      tasks: { value: "DIR", about: "folder with the handlers (TASKS_DIR)", schema: text() },
      concurrency: {
        short: "c",
        value: "N",
        about: "tasks at a time (CONCURRENCY, default 10)",
        schema: SETTINGS.shape.CONCURRENCY.unwrap(),
      },
      queue: {
        short: "q",
        value: "A,B",
        about: "the queues to take from (QUEUES, default: default)",
        schema: SETTINGS.shape.QUEUES.unwrap(),
      },
      name: {
        value: "NAME",
        about: "its name in stats and history (WORKER_ID, default hostname-pid)",
        schema: SETTINGS.shape.WORKER_ID.unwrap(),
      },
      "metrics-offset": {
        value: "N",
        about: "added to METRICS_PORT, where several workers share it (default 0)",
        schema: integer({ min: 0, max: JOBS_METRICS_OFFSET - 1 }),
      },
      "print-config": { about: "print what is in force, passwords masked, and exit" },
      json: { about: "with --print-config: as one JSON object" },
    },
    examples: [
      ["work", "run until told to stop"],
      ["work --drain --tasks ./handlers --concurrency 4", "work off what is due with own handlers"],
      ["work --print-config", "the settings, for an environment file"],
    ],
    run: async ({ flags }) => {
      const given = readConfig();
      const config: Config = {
        ...given,
        worker: {
          ...given.worker,
          name: flags.name ?? given.worker.name,
          queues: flags.queue ?? given.worker.queues,
          concurrency: flags.concurrency ?? given.worker.concurrency,
          tasksFolder:
            flags.tasks === undefined ? given.worker.tasksFolder : path.resolve(flags.tasks),
        },
      };
      if (flags["print-config"]) {
        printConfig(config, flags.json);
      } else {
        await runWorker(config, {
          drain: flags.drain,
          handlers: application.handlers,
          metricsOffset: flags["metrics-offset"] ?? 0,
        });
      }
      return 0;
    },
  });
}

async function runWorker(
  config: Config,
  given: { readonly drain: boolean; readonly handlers: string; readonly metricsOffset: number },
): Promise<void> {
  const logger = createLogger({ level: config.logLevel, name: config.worker.name });
  for (const sentence of config.leftOver) logger.warn(sentence);
  const parentGone = new AbortController();
  onParentGone(() => parentGone.abort(), { watch: config.startedByNpm });
  const signals = listenForStop();
  const { drain, handlers, metricsOffset } = given;
  const address = metricsAddress(config.metrics, metricsOffset);
  const metrics =
    address === null
      ? null
      : (await loadMetrics()).startMetrics({ process: "worker", address, logger });
  try {
    await runDaemon({
      database: await locateDatabase(config.connection),
      direct: config.directConnection,
      schema: config.schema,
      pool: config.pool,
      worker: {
        ...config.worker,
        tasksFolder: config.worker.tasksFolder ?? defaultTasksFolder(handlers),
      },
      settings: startSettings(config),
      maxRescues: config.maxRescues,
      maxResultBytes: config.maxResultBytes,
      logger,
      logLevel: config.logLevel,
      drain,
      stop: AbortSignal.any([signals.stop, parentGone.signal]),
      kill: signals.kill,
    });
  } finally {
    await metrics?.close();
    signals.dispose();
  }
}

/** Not before it is needed: the help of all commands needs none of it. */
async function loadMetrics() {
  return await import("../../metrics/metrics-server.ts");
}

function defaultTasksFolder(ofApplication: string): string {
  const here = path.resolve("tasks");
  return existsSync(here) ? here : ofApplication;
}

function printConfig(config: Config, asJson: boolean): void {
  const settings = describeConfig(config);
  if (asJson) {
    printJson(settings);
  } else {
    print(
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}`)
        .join("\n"),
    );
  }
}
