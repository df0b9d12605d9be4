import { readConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { inSchema } from "../postgres/database.ts";
import { migrate } from "../postgres/migrate.ts";
import { clientConfig, openPool } from "../postgres/pool.ts";
import { onParentGone } from "../supervisor/parent.ts";
import { ANSWER_MS_MAX, rescueExited } from "../supervisor/rescue-exited.ts";
import { runUp, upGroups } from "../supervisor/run-up.ts";
import { listenForStop } from "../supervisor/stop-signals.ts";
import { defineCommand } from "./command.ts";

export const up = defineCommand({
  name: "up",
  summary: "run everything on this machine: database, schema, two workers, jobs",
  description:
    "Without DATABASE_URL it runs a PostgreSQL of its own, whose files are in TRIAGED_DATA_DIR\n" +
    "(.triaged). Ctrl-C stops all in order; a second one does not wait. In production, let\n" +
    "supervisord or your platform run `triaged work` and `triaged jobs` (supervisord.conf).",
  args: [],
  options: {},
  examples: [
    ["up", "the daemon; then, in another terminal: npx triaged enqueue …"],
    ["up 2> triaged.log", "the log is on stderr"],
  ],
  run: async () => {
    const config = readConfig();
    const logger = createLogger({ level: config.logLevel, name: "up" });
    const parentGone = new AbortController();
    onParentGone(() => parentGone.abort(), { watch: config.startedByNpm });
    const signals = listenForStop();
    const main = process.argv[1];
    if (main === undefined) {
      throw new Error("expected the path of the program in argv, got none");
    }
    try {
      return await runUp({
        connection: config.connection,
        prepare: async (database) => {
          const direct = config.directConnection ?? database;
          const { roles } = await migrate(clientConfig(direct, "migrate"), {
            schema: config.schema,
            rolePrefix: config.rolePrefix,
            onApplied: (file) => logger.info({ file }, "schema changed"),
            onWarning: (message) => logger.warn(message),
          });
          logger.info(
            { producers: roles?.api ?? "the owner alone" },
            "logins of other producers and workers need this role",
          );
          logger.info("triaged is up; in another terminal: npx triaged stats");
        },
        groups: upGroups({
          cli: [process.execPath, main],
          shutdownGraceMs: config.worker.shutdownGraceMs,
        }),
        logger,
        onExit: async (database, pid) => {
          const pool = openPool(database, { role: "supervisor", pool: config.pool, logger });
          const { maxRescues } = config;
          await rescueExited(pid, {
            db: inSchema(pool, config.schema, { answerMsMax: ANSWER_MS_MAX }),
            maxRescues,
            logger,
          });
          await pool.end();
        },
        signals: {
          stop: AbortSignal.any([signals.stop, parentGone.signal]),
          kill: signals.kill,
        },
      });
    } finally {
      signals.dispose();
    }
  },
});
