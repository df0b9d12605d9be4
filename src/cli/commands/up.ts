import { inSchema } from "../../database/database.ts";
import { migrateSchema } from "../../database/migrate/migrate.ts";
import { clientConfig, openPool } from "../../database/pool.ts";
import { readConfig } from "../../settings/config.ts";
import { needsKeys } from "../../settings/gateway.ts";
import { RESCUE_ANSWER_MS_MAX, rescueExited } from "../../supervisor/rescue-exited.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { runUp, upProgramGroups } from "../../supervisor/up.ts";
import { createLogger } from "../../system/logger.ts";
import { defineCommand } from "../terminal/command.ts";

export const upCommand = defineCommand({
  name: "up",
  summary: "run everything on this machine: database, schema, two workers, jobs, HTTP",
  description:
    "Without DATABASE_URL it runs a PostgreSQL of its own, whose files are in TRIAGED_DATA_DIR\n" +
    "(.triaged). HTTP is served at HOST and PORT, 127.0.0.1:8080 unless set; /ui there is for browsers,\n" +
    "and the log says where. Ctrl-C stops all in\n" +
    "order; a second one does not wait. In production, let supervisord or your platform run\n" +
    "`triaged work`, `triaged jobs` and `triaged serve` (supervisord.conf).",
  args: [],
  options: {},
  examples: [
    ["up", "the daemon; then, in another terminal: npx triaged enqueue …"],
    ["up 2> triaged.log", "the log is on stderr"],
  ],
  run: async () => {
    const config = readConfig();
    // Its gateway would refuse the same, after a database was started for it.
    needsKeys(config.gateway);
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
          const { roles } = await migrateSchema(clientConfig(direct, "migrate"), {
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
        groups: upProgramGroups({
          cli: [process.execPath, main],
          shutdownGraceMs: config.worker.shutdownGraceMs,
        }),
        logger,
        onExit: async (database, pid) => {
          const pool = openPool(database, { role: "supervisor", pool: config.pool, logger });
          const { maxRescues } = config;
          await rescueExited(pid, {
            db: inSchema(pool, config.schema, { answerMsMax: RESCUE_ANSWER_MS_MAX }),
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
