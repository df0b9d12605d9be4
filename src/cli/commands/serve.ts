import { EXIT_CODES } from "../../model/errors.ts";
import { readConfig } from "../../settings/config.ts";
import { integer, text } from "../../settings/variables.ts";
import { listenForStop, onParentGone } from "../../supervisor/stop-signals.ts";
import { createLogger } from "../../system/logger.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";

export function serveCommand(application: Application): Command {
  return defineCommand({
    name: "serve",
    summary: "the queue over HTTP: enqueue, look, decide; health for a platform",
    description:
      "Listens at HOST and PORT (127.0.0.1 and 8080), and says where. /ui is for browsers (docs/dashboard.md).\n" +
      "GET /openapi.json describes\n" +
      "what it serves (docs/http.md), /health whether the process lives, /ready whether its database\n" +
      "answers. Where a network reaches it, each request needs a key: ORCHESTRATOR_API_KEY, or one of\n" +
      "API_KEYS_FILE (`triaged key --help`). DATABASE_REPLICA_URL has lists read on standbys.\n" +
      "Any number may run. `triaged up` runs one. Told to stop, it ends the requests that it has accepted, and closes.",
    args: [],
    options: {
      host: {
        value: "ADDRESS",
        about: "where to listen (default HOST, else 127.0.0.1)",
        schema: text({ max: 255 }),
      },
      port: {
        value: "N",
        about: "0 for any that is free (default PORT, else 8080)",
        schema: integer({ min: 0, max: 65_535 }),
      },
    },
    examples: [
      ["serve", "until told to stop; then: curl http://127.0.0.1:8080/ready"],
      ["serve --port 9000", "at another port"],
    ],
    run: async ({ flags }) => {
      const given = readConfig();
      const { host = given.gateway.host, port = given.gateway.port } = flags;
      const config = { ...given, gateway: { ...given.gateway, host, port } };
      const logger = createLogger({ level: config.logLevel, name: "gateway" });
      for (const sentence of config.leftOver) logger.warn(sentence);
      const parentGone = new AbortController();
      onParentGone(() => parentGone.abort(), { watch: config.startedByNpm });
      const signals = listenForStop();
      try {
        const stop = AbortSignal.any([signals.stop, parentGone.signal]);
        // Loaded here: the help of all commands needs no server.
        const { runGateway } = await import("../../gateway/run-gateway.ts");
        const { dashboard } = await import("../../dashboard/dashboard.ts");
        const { examinationOf } = await import("./doctor.ts");
        const doors = await application.doors();
        await runGateway({
          config,
          logger,
          stop,
          application: doors,
          dashboard: dashboard(
            config.dashboard,
            await application.pages(),
            await examinationOf(application, config),
          ),
        });
        return EXIT_CODES.done;
      } finally {
        signals.dispose();
      }
    },
  });
}
