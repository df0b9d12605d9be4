import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { locateDatabase } from "../../database/connection-file.ts";
import { systemAuthorities } from "../../database/libpq.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import type { DatabaseUrl } from "../../settings/database-url.ts";
import { environmentWith } from "../../settings/environment.ts";
import { defineCommand } from "../terminal/command.ts";
import { note, print } from "../terminal/output.ts";

/** Where none is installed: any client that is, is likely as new. */
const NEWEST_MAJOR = 18;

export const psqlCommand = defineCommand({
  name: "psql",
  summary: "open psql on the database, or print how to connect",
  description:
    "Opens psql where it is installed and a person sits at the terminal; the schema is on the\n" +
    "search path, so `select * from tasks` works. Else prints the connection URL, which holds\n" +
    "the password.",
  args: [],
  options: { print: { about: "print the URL, whatever is installed" } },
  examples: [
    ["psql", "look around in SQL"],
    ["psql --print", "the URL, for any other client"],
  ],
  run: async ({ flags }) => {
    const config = readConfig();
    const database = await locateDatabase(config.connection);
    const installed = installedMajor();
    const url = urlForLibpq(database, installed ?? NEWEST_MAJOR);
    if (flags.print || !process.stdin.isTTY || !process.stdout.isTTY) {
      print(url);
      return EXIT_CODES.done;
    }
    if (installed === null) {
      note("psql is not installed (Debian: postgresql-client); connect with any client to");
      print(url);
      return EXIT_CODES.done;
    }
    return await openPsql(url, config);
  },
});

/** The major version of the psql on the path, null where there is none. */
function installedMajor(): number | null {
  const { stdout } = spawnSync("psql", ["--version"], { encoding: "utf8" });
  const [, major] = /\) (\d+)/.exec(stdout ?? "") ?? [];
  return major === undefined ? null : Number(major);
}

/** The password travels in the environment: a command line is public on its machine. */
async function openPsql(url: string, { schema }: Config): Promise<number> {
  const { password, withoutPassword } = takePassword(url);
  const child = spawn("psql", [withoutPassword], {
    stdio: "inherit",
    env: environmentWith({
      ...(password === "" ? {} : { PGPASSWORD: password }),
      PGOPTIONS: `-c search_path=${schema},public`,
      PGAPPNAME: "triaged psql",
    }),
  });
  // Ctrl-C belongs to psql, which cancels a query with it.
  process.on("SIGINT", () => undefined);
  const [code]: unknown[] = await once(child, "exit");
  return typeof code === "number" ? code : EXIT_CODES.crash;
}

/** With the TLS settings back in it, in the words of libpq. */
function urlForLibpq({ url, tls }: DatabaseUrl, major: number): string {
  const trusted = tls.mode.startsWith("verify") ? systemAuthorities(major) : null;
  const parameters = [
    ["sslmode", tls.mode],
    ["sslrootcert", tls.rootCertificateFile ?? trusted],
    ["sslcert", tls.certificateFile],
    ["sslkey", tls.keyFile],
  ].flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return tls.mode === "disable"
    ? url
    : `${url}${url.includes("?") ? "&" : "?"}${parameters.join("&")}`;
}

function takePassword(url: string): { password: string; withoutPassword: string } {
  const [, start = "", password = "", end = ""] =
    /^(\w+:\/\/[^:@/]*):([^@]*)(@.*)$/.exec(url) ?? [];
  return start === ""
    ? { password: "", withoutPassword: url }
    : { password: decodeURIComponent(password), withoutPassword: start + end };
}
