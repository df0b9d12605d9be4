import { EXIT_CODES } from "../../model/errors.ts";
import { readConfig } from "../../settings/config.ts";
import { environmentWith } from "../../settings/environment.ts";
import { integer, text } from "../../settings/variables.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { createLogger } from "../../system/logger.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { print } from "../terminal/output.ts";

/** Not that of `triaged serve`, which may run beside it. */
const PORT = 8090;

export function dashboardCommand(application: Application): Command {
  return defineCommand({
    name: "dashboard",
    summary: "look at any queue of triaged in a browser, on this machine alone",
    description:
      "Serves the dashboard of a database at the loopback of this machine, and prints its address. Nothing\n" +
      "is installed there, and nothing can be changed unless --write says so: without it all requests\n" +
      "have the read-only role of the queue. Without a URL it is the database that other commands use.\n" +
      "`triaged serve` has the same pages at /ui, for keys and networks (docs/dashboard.md).",
    args: [{ name: "URL", schema: text({ max: 10_000 }), optional: true }],
    options: {
      write: { about: "let whoever opens it act: retry, cancel, decide, pause" },
      port: {
        value: "N",
        about: `0 for any that is free (default ${PORT})`,
        schema: integer({ min: 0, max: 65_535 }),
      },
    },
    examples: [
      ["dashboard", "the database of this folder, to look at"],
      ["dashboard postgres://db.example.org/app --port 0", "another one, at a port that is free"],
    ],
    run: async ({ flags, args: [url] }) => {
      const given = url === undefined ? readConfig() : readConfig(environmentOfUrl(url));
      const config = {
        ...given,
        gateway: {
          ...given.gateway,
          host: "127.0.0.1",
          port: flags.port ?? PORT,
          requireAuth: false,
          apiKey: null,
          keysFile: null,
          corsOrigins: [],
          publicUrl: null,
        },
        dashboard: { ...given.dashboard, proxy: null },
      };
      const logger = createLogger({ level: "warn", name: "dashboard" });
      const parentGone = new AbortController();
      onParentGone(() => parentGone.abort(), { watch: config.startedByNpm });
      const signals = listenForStop();
      try {
        const { runGateway } = await import("../../gateway/run-gateway.ts");
        const { dashboard } = await import("../../dashboard/dashboard.ts");
        const { examinationOf } = await import("./doctor.ts");
        await runGateway({
          config,
          logger,
          stop: AbortSignal.any([signals.stop, parentGone.signal]),
          application: await application.doors(),
          dashboard: dashboard(
            config.dashboard,
            await application.pages(),
            await examinationOf(application, config),
          ),
          anybody: {
            name: "dashboard",
            role: flags.write ? "admin" : "read",
            requestsPerMinute: null,
          },
          onListening: (address) => print(`${address}/ui`),
        });
        return EXIT_CODES.done;
      } finally {
        signals.dispose();
      }
    },
  });
}

/** The URL counts before all that the environment says of a database. */
function environmentOfUrl(url: string): Record<string, string | undefined> {
  return environmentWith({
    DATABASE_URL: url,
    DATABASE_URL_FILE: undefined,
    DATABASE_DIRECT_URL: undefined,
    DATABASE_DIRECT_URL_FILE: undefined,
    DATABASE_REPLICA_URL: undefined,
    DATABASE_REPLICA_URL_FILE: undefined,
    POSTGRES_HOST: undefined,
  });
}
