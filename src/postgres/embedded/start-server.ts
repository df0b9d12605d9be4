import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { EnvironmentError, EXIT_CODES } from "../../errors.ts";
import { hasCode } from "../../has-code.ts";
import type { Binaries } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";
import { EMBEDDED_NAME } from "./cluster.ts";
import type { Home } from "./home.ts";
import { choosePort } from "./port.ts";
import type { Postmaster } from "./postmaster.ts";
import { spawnPostmaster, stopPostmaster } from "./postmaster.ts";

const START_DEADLINE_MS = 120_000;
const STARTS_MAX = 50;

/** What another start may cure: children of a crashed server, a port taken meanwhile. */
const PASSING_TROUBLE = /shared memory block|could not bind/;

type Given = {
  readonly home: Home;
  readonly binaries: Binaries;
  readonly cluster: Cluster;
  readonly settings: Readonly<Record<string, string | number>>;
};

/**
 * Start the server and resolve when it lets a client in; it may have to recover first.
 * Throws an EnvironmentError that names the log when it does not get there.
 */
export async function startServer(given: Given): Promise<{ postmaster: Postmaster; url: string }> {
  const { home, cluster } = given;
  const deadline = Date.now() + START_DEADLINE_MS;
  const logFile = join(home.path, "server.log");
  for (let starts = 1; ; starts++) {
    const port = await choosePort(home.path);
    const server = `postgres://${EMBEDDED_NAME}:${cluster.password}@127.0.0.1:${port}`;
    const postmaster = await spawnPostmaster(given.binaries.postgres, argumentsOf(given, port), {
      logFile,
      user: home.user,
    });
    if (await waitForAnswer(`${server}/postgres`, postmaster, deadline)) {
      await makeDatabase(`${server}/postgres`);
      return { postmaster, url: `${server}/${EMBEDDED_NAME}` };
    }
    await stopPostmaster(cluster.data);
    const log = await readFile(logFile, "utf8");
    if (starts === STARTS_MAX || Date.now() > deadline || !PASSING_TROUBLE.test(log)) {
      throw new EnvironmentError("the embedded PostgreSQL did not start", {
        hint: `read ${logFile}, or set DATABASE_URL to use a server of your own`,
        exitCode: EXIT_CODES.databaseUnreachable,
        cause: new Error(log.slice(-2_000)),
      });
    }
    await delay(200);
  }
}

function argumentsOf({ cluster, settings }: Given, port: number): string[] {
  const all: Record<string, string | number> = {
    listen_addresses: "127.0.0.1",
    port,
    // No socket file: its path may be longer than the system allows.
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", cluster.data, ...flags];
}

/** False when the server ended, or the deadline came, before it let a client in. */
async function waitForAnswer(
  url: string,
  { exited }: Postmaster,
  deadline: number,
): Promise<boolean> {
  const gone = exited.then(() => "gone");
  while (Date.now() < deadline) {
    if (await answers(url)) {
      return true;
    }
    if ((await Promise.race([delay(50), gone])) === "gone") {
      return false;
    }
  }
  return false;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch (err) {
    // Not listening, or "the database system is starting up". A wrong password is no passing
    // trouble, and any other answer is none of our server's.
    if (hasCode(err, "ECONNREFUSED", "ECONNRESET", "57P03") || !("code" in Object(err))) {
      return false;
    }
    throw err;
  } finally {
    await client.end();
  }
}

async function makeDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query("select from pg_database where datname = $1", [EMBEDDED_NAME]);
    if (found.rowCount === 0) {
      await client.query(`create database ${EMBEDDED_NAME}`);
    }
  } finally {
    await client.end();
  }
}
