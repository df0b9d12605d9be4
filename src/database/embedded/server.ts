// A PostgreSQL server of our own, for one machine: what `triaged up` uses without
// DATABASE_URL, and the tests without TEST_DATABASE_URL. One folder is one server:
//
//   lock       who runs it; a second starter is refused
//   data/      the server's files      port       the port it had last
//   password   of its superuser        server.log what it said since its last start
//
// All but the lock are elsewhere when root's folder cannot be reached (embedded/home.ts).

import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { EnvironmentError, EXIT_CODES, hasCode } from "../../model/errors.ts";
import { tryFileLock } from "../../system/file-lock.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { type Cluster, EMBEDDED_NAME, prepareCluster } from "./cluster.ts";
import { type Home, prepareHome } from "./home.ts";
import {
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
  stopWithThisProcess,
} from "./postmaster.ts";

/** A running embedded server. */
export type EmbeddedServer = {
  /** Of a database named `triaged`, as superuser, on 127.0.0.1. Holds the password. */
  readonly url: string;
  readonly pid: number;
  /** The folder of its files, for an operator who wants to remove them. */
  readonly home: string;
  /** Resolves when the server process is gone, stopped or crashed. */
  readonly exited: Promise<void>;
  /** Disconnect all clients, stop the server, and give the folder free. */
  stop(): Promise<void>;
};

/**
 * Start the server of `folder`, made if there is none, and resolve when it answers. It
 * survives a crash of anything: a server that an earlier process left running is stopped
 * first, files that it left are recovered. `settings` are PostgreSQL's.
 *
 * Throws an EnvironmentError when another living process runs this folder, when no
 * PostgreSQL is installed for this platform, or when the server does not start.
 */
export async function startEmbedded(options: {
  folder: string;
  settings?: Readonly<Record<string, string | number>>;
}): Promise<EmbeddedServer> {
  const settings = options.settings ?? {};
  const folder = resolve(options.folder);
  const unlock = await takeFolder(folder);
  try {
    const home = await prepareHome(folder);
    const binaries = await findBinaries(home.user);
    const cluster = await prepareCluster(home, binaries);
    await stopPostmaster(cluster.data);
    const { postmaster, url } = await startServer({ home, binaries, cluster, settings });
    const endWatch = await stopWithThisProcess(postmaster.pid, home.user);
    const stop = async () => {
      await stopPostmaster(cluster.data);
      await postmaster.exited;
      await endWatch();
      await unlock();
    };
    let stopped: Promise<void> | undefined;
    return {
      url,
      pid: postmaster.pid,
      home: home.path,
      exited: postmaster.exited,
      stop: () => (stopped ??= stop()),
    };
  } catch (err) {
    await unlock();
    throw err;
  }
}

async function takeFolder(folder: string): Promise<() => Promise<void>> {
  try {
    await mkdir(folder, { recursive: true });
    return await lockFolder(join(folder, "lock"));
  } catch (err) {
    if (hasCode(err, "EACCES", "EPERM", "EROFS")) {
      throw new EnvironmentError(`cannot write in ${folder}`, {
        hint: "run as the user it belongs to, or set TRIAGED_DATA_DIR or DATABASE_URL",
        exitCode: EXIT_CODES.config,
        cause: err,
      });
    }
    throw err;
  }
}

/**
 * Lock a file path for the life of this process; resolves to the function that releases it.
 * Throws an EnvironmentError that names the pid when a living process holds it.
 */
async function lockFolder(path: string): Promise<() => Promise<void>> {
  const lock = await tryFileLock(path);
  if (lock.holder === null) return lock.release;
  throw new EnvironmentError(`another triaged (pid ${lock.holder}) holds ${path}`, {
    hint: `stop it first, or use it: the other commands find it by themselves`,
    exitCode: EXIT_CODES.config,
  });
}

const START_DEADLINE_MS = 120_000;
const STARTS_MAX = 50;

/** Failures that another start may cure: children of a crashed server, a port taken meanwhile. */
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
async function startServer(given: Given): Promise<{ postmaster: Postmaster; url: string }> {
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
    // A forgotten session would hold back vacuum for ever: the doctor asks for it.
    idle_in_transaction_session_timeout: "10min",
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

const HOST = "127.0.0.1";

/**
 * The port of the server in `homePath`: the one that it had before, so that a connection
 * somebody wrote down stays good, or a free one when that is taken.
 */
async function choosePort(homePath: string): Promise<number> {
  const file = join(homePath, "port");
  const last = Number.parseInt(await readFile(file, "utf8").catch(() => "0"), 10);
  const port = (await bind(last)) ?? (await bind(0));
  if (port === null) {
    throw new Error(`no free port on ${HOST}`);
  }
  await writeFile(file, `${port}\n`);
  return port;
}

/** Take the port (0: any) for a moment. Null when it cannot be had. */
async function bind(wanted: number): Promise<number | null> {
  const server = createServer().listen(wanted, HOST);
  try {
    await once(server, "listening");
  } catch {
    return null;
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? null) : null;
}
