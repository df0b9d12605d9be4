import { locateDatabase } from "../../database/connection-file.ts";
import { inSchema } from "../../database/database.ts";
import { openPool } from "../../database/pool.ts";
import { readConfig } from "../../settings/config.ts";
import { RESCUE_ANSWER_MS_MAX, rescueExited } from "../../supervisor/rescue-exited.ts";
import { listenEvents } from "../../supervisor/supervisord-events.ts";
import { createLogger } from "../../system/logger.ts";
import { defineCommand } from "../terminal/command.ts";

/** Events by which supervisord says that a process is gone; it names the pid in both. */
const EXITS: readonly string[] = ["PROCESS_STATE_EXITED", "PROCESS_STATE_STOPPED"];

export const supervisorEventsCommand = defineCommand({
  name: "supervisor-events",
  summary: "for supervisord: rescue the tasks of a worker as it exits",
  description:
    "An event listener of supervisord (supervisord.conf has it), which speaks its protocol on\n" +
    "stdin and stdout. When a worker of this host exits without a goodbye, its tasks are queued\n" +
    "again at once, not when the other workers have noticed.",
  args: [],
  options: {},
  examples: [["supervisor-events", "as the command of an [eventlistener:…] section"]],
  run: async () => {
    const config = readConfig();
    const logger = createLogger({ level: config.logLevel, name: "supervisor-events" });
    const { maxRescues } = config;
    const pool = openPool(await locateDatabase(config.connection), {
      role: "supervisor",
      pool: { ...config.pool, max: 1 },
      logger,
    });
    const db = inSchema(pool, config.schema, { answerMsMax: RESCUE_ANSWER_MS_MAX });
    try {
      await listenEvents({ input: process.stdin, output: process.stdout }, async (event) => {
        const pid = Number(event.about.get("pid"));
        if (EXITS.includes(event.name) && pid > 0) {
          await rescueExited(pid, { db, maxRescues, logger });
        }
      });
    } finally {
      await pool.end();
    }
    return 0;
  },
});
