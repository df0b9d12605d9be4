import { tellAuditLog } from "../../backup/tell-audit-log.ts";
import { readContents, takeSchemasBack } from "../../database/backup.ts";
import { DatabaseClient } from "../../database/connection.ts";
import { locateDatabase } from "../../database/connection-file.ts";
import { inSchema } from "../../database/database.ts";
import { migrateSchema } from "../../database/migrate/migrate.ts";
import { clientConfig } from "../../database/pool.ts";
import { compatSchema, readCompatState } from "../../database/schema/compat.ts";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import { environmentOf } from "../../settings/environment.ts";
import { text } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { confirm } from "../terminal/input.ts";
import { note, print } from "../terminal/output.ts";

export const resetCommand = defineCommand({
  name: "reset",
  summary: "drop the queue with all that is in it, and make it anew, empty",
  description:
    "For development and tests. Asks first. Of a server that is not this machine's, and where\n" +
    "NODE_ENV is production, it wants the name of the database as well. Refuses while anything of\n" +
    "triaged is connected. Roles and the schema of the jobs stay. Nothing brings back what was there but a backup.",
  args: [],
  options: {
    yes: { short: "y", about: "do not ask" },
    database: {
      value: "NAME",
      about: "its name, where it may be a database of production",
      schema: text({ max: 63 }),
    },
  },
  examples: [
    ["reset", "an empty queue on this machine"],
    ["reset --yes", "the same in a script"],
  ],
  run: async ({ flags }) => {
    const config = readConfig();
    const database = config.directConnection ?? (await locateDatabase(config.connection));
    const client = new DatabaseClient(clientConfig(database, "reset"));
    client.on("error", () => undefined);
    await client.connect();
    try {
      const { database: name, sessions } = await readContents(client);
      refuseWithoutName({ name, host: client.host, typed: flags.database });
      if (sessions.length > 0) {
        throw new EnvironmentError(`others are connected to ${name}: ${sessions.join(", ")}`, {
          hint: "stop workers, jobs and gateways first",
          exitCode: EXIT_CODES.databaseUnreachable,
        });
      }
      const question = `Drop the queue in schema ${config.schema} of ${name} at ${client.host}, with all tasks?`;
      if (!flags.yes && !(await confirm(question))) {
        note("nothing was done");
        return EXIT_CODES.done;
      }
      // The jobs may be an application's as well, and so may what is called like ours.
      const ours = (await readCompatState(inSchema(client, config.schema))) === "ours";
      const compat = ours ? compatSchema(config.schema) : null;
      const schemas = [config.schema, ...(compat === null ? [] : [compat])];
      await takeSchemasBack(client, schemas, []);
    } finally {
      await client.end();
    }
    await makeAnew(config, database);
    return EXIT_CODES.done;
  },
});

async function makeAnew(
  config: Config,
  database: Parameters<typeof clientConfig>[0],
): Promise<void> {
  await migrateSchema(clientConfig(database, "migrate"), {
    schema: config.schema,
    rolePrefix: config.rolePrefix,
    onWarning: (message) => note(`warning: ${message}`),
  });
  const queue = { database, schema: config.schema };
  await tellAuditLog(queue, "reset.performed", { schema: config.schema });
  print(`schema ${config.schema} is empty and up to date`);
}

/** Whoever types the name knows which database he means. */
function refuseWithoutName(given: {
  readonly name: string;
  readonly host: string;
  readonly typed: string | undefined;
}): void {
  const { name, host, typed } = given;
  if (typed !== undefined && typed !== name) {
    throw new UsageError(`--database names ${typed}, and the database is ${name}`, {
      hint: "look at DATABASE_URL",
    });
  }
  const { NODE_ENV } = environmentOf(["NODE_ENV"]);
  const reason = NODE_ENV === "production" ? "NODE_ENV is production" : elsewhere(host);
  if (typed === undefined && reason !== null) {
    throw new UsageError(`reset may meet a database of production: ${reason}`, {
      hint: `if ${name} is to lose everything, say --database ${name}`,
    });
  }
}

function elsewhere(host: string): string | null {
  const isHere =
    host.startsWith("/") || ["localhost", "::1"].includes(host) || host.startsWith("127.");
  return isHere ? null : `its server is ${host}`;
}
