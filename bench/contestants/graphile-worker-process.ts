/** One graphile-worker process, set as GRAPHILE_SETTINGS says. */
import { Logger, run, runOnce, type TaskList } from "graphile-worker";
import { z } from "zod";
import { countCall, report } from "../frame/report.ts";

const Noop = z.object({ of: z.int() });
const Ping = z.object({ place: z.int().optional() });
const Environment = z.object({
  DATABASE_URL: z.string(),
  GRAPHILE_SETTINGS: z.string().transform((text) =>
    z
      .object({
        concurrency: z.int(),
        localQueueSize: z.int(),
        batchDelay: z.int(),
        once: z.boolean(),
      })
      .parse(JSON.parse(text)),
  ),
});

// oxlint-disable-next-line node/no-process-env -- A process of its own, started by the bench.
const { DATABASE_URL, GRAPHILE_SETTINGS: settings } = Environment.parse(process.env);

// The payload is checked as our handlers check theirs.
const taskList: TaskList = {
  noop: (payload) => countCall(Noop.parse(payload).of),
  ping: (payload) => report("started", Ping.parse(payload).place),
};
const options = {
  taskList,
  logger: new Logger(() => (level, message) => {
    if (level === "error") {
      process.stderr.write(`${message}\n`);
    }
  }),
  preset: {
    worker: {
      connectionString: DATABASE_URL,
      concurrentJobs: settings.concurrency,
      maxPoolSize: settings.concurrency + 1,
      localQueue: { size: settings.localQueueSize },
      completeJobBatchDelay: settings.batchDelay,
      failJobBatchDelay: settings.batchDelay,
    },
  },
};

if (settings.once) {
  await runOnce(options);
} else {
  const runner = await run(options);
  await runner.promise;
}
