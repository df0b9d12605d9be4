/** Servers that a test has for itself: roles, and some settings, are of a whole server. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, chown, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { chooseServerUser, type ServerUser } from "../../src/database/embedded/home.ts";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { waitUntilGone } from "../../src/system/processes.ts";
import { freePort, makeTemporaryFolder } from "./folders-and-ports.ts";
import { waitUntilTrue } from "./wait-until-true.ts";

const run = promisify(execFile);

/** Of Debian's package postgresql: the embedded PostgreSQL comes without pg_basebackup. */
export const BINARIES = ["18", "17", "16", "15"]
  .map((version) => `/usr/lib/postgresql/${version}/bin`)
  .find((folder) => existsSync(`${folder}/pg_basebackup`));
export const canReplicate = BINARIES !== undefined;

/** A server of Debian's binaries. */
export class Server {
  readonly port: number;
  readonly #data: string;
  readonly #user: ServerUser;

  constructor(data: string, port: number, user: ServerUser) {
    this.#data = data;
    this.port = port;
    this.#user = user;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  async initialize(given: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#run("initdb", [
      "-D",
      this.#data,
      "--encoding=UTF8",
      "-U",
      "postgres",
      "-A",
      "trust",
      "--no-sync",
    ]);
    const settings = {
      listen_addresses: "'127.0.0.1'",
      unix_socket_directories: "''",
      fsync: "off",
      ...given,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    await appendFile(path.join(this.#data, "postgresql.conf"), lines.join(""));
  }

  async copyFrom(primary: Server): Promise<void> {
    const connection = `host=127.0.0.1 port=${primary.port} user=postgres`;
    const options = ["--checkpoint=fast", "--no-sync", "--write-recovery-conf"];
    await this.#run("pg_basebackup", ["-D", this.#data, "-d", connection, ...options]);
  }

  async start(): Promise<void> {
    const log = `${this.#data}.log`;
    await this.#run("pg_ctl", [
      "start",
      "-w",
      "-D",
      this.#data,
      "-l",
      log,
      "-o",
      `-p ${this.port}`,
    ]);
  }

  /** As by a crash: no goodbye, no checkpoint. */
  async stop(): Promise<void> {
    await this.#run("pg_ctl", ["stop", "-w", "-m", "immediate", "-D", this.#data]);
  }

  async kill(): Promise<void> {
    const file = await readFile(path.join(this.#data, "postmaster.pid"), "utf8");
    const pid = Number.parseInt(file, 10);
    process.kill(pid, "SIGKILL");
    await waitUntilGone(pid, 10_000);
  }

  /** Make the standby a primary, which takes writes when this resolves. */
  async promote(): Promise<void> {
    await this.#run("pg_ctl", ["promote", "-w", "-D", this.#data]);
  }

  async ask(statement: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await run(path.join(BINARIES ?? "", program), args, { ...this.#user, env: { LC_ALL: "C" } });
  }
}

/** A primary, its synchronous standby, and the URL that names both. */
export type ReplicatedServers = {
  readonly primary: Server;
  readonly standby: Server;
  readonly url: string;
};

/** Start both; no commit is acknowledged that the standby has not got. */
export async function startReplicated(
  settings: Readonly<Record<string, string>> = {},
): Promise<ReplicatedServers & AsyncDisposable> {
  const folder = await makeTemporaryFolder();
  const { user, home } = await makeHome(folder.path);
  const primary = new Server(path.join(home, "primary"), await freePort(), user);
  const standby = new Server(path.join(home, "standby"), await freePort(), user);
  await primary.initialize(settings);
  await primary.start();
  await standby.copyFrom(primary);
  await standby.start();
  // Not before the copy: the standby would wait for one of its own after the failover.
  await primary.ask("alter system set synchronous_standby_names = '*'");
  await primary.ask("select pg_reload_conf()");
  await waitUntilTrue(async () => {
    const rows = await primary.ask("select from pg_stat_replication where sync_state = 'sync'");
    return rows.length === 1;
  });
  return {
    primary,
    standby,
    url: `postgres://postgres@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres`,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([primary.stop(), standby.stop()]);
      await folder.remove();
    },
  };
}

/** Debian's PostgreSQL, which has pg_dump, or the embedded one, which is the newest. */
export type Kind = "debian" | "embedded";

/** False without Debian's PostgreSQL; where CI runs it must be there, and tests fail without. */
export const hasDebian = BINARIES !== undefined || process.env["CI"] !== undefined;

export type OwnServer = AsyncDisposable & { readonly url: string };

export async function startOwnServer(
  kind: Kind,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  const folder = await makeTemporaryFolder();
  if (kind === "embedded") {
    const server = await startEmbedded({
      folder: `${folder.path}/postgres`,
      settings: { fsync: "off", ...settings },
    });
    return {
      url: server.url,
      [Symbol.asyncDispose]: async () => {
        await server.stop();
        await rm(server.home, { recursive: true, force: true });
        await folder.remove();
      },
    };
  }
  const { user, home } = await makeHome(folder.path);
  const server = new Server(path.join(home, "own"), await freePort(), user);
  await server.initialize(settings);
  await server.start();
  return {
    url: server.url,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await folder.remove();
    },
  };
}

/** A folder for data that the user of the server may write to. */
export async function makeHome(folder: string): Promise<{ user: ServerUser; home: string }> {
  const user = await chooseServerUser(folder);
  const home = path.join(folder, "servers");
  await mkdir(home);
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(home, user.uid, user.gid);
  }
  return { user, home };
}

/** Run pg_dump, pg_restore, psql and the like to their end; resolves to what they printed. */
export async function runTool(
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  const done = run(path.resolve(BINARIES ?? "", program), [...args], {
    maxBuffer: 64 * 2 ** 20,
    env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "" },
  });
  done.child.stdin?.destroy();
  return await done;
}
