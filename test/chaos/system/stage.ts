import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { EXECUTIONS_FILE } from "../executions.ts";
import { type HostileRepositories, makeHostileRepositories } from "../hostile/repositories.ts";
import { cannotMakeNamespaces, openNamespaces } from "./namespaces.ts";
import type { Network } from "./network.ts";
import { type Pooler, startPooler } from "./pooler.ts";
import { type Server, startServer, withClient } from "./server.ts";
import { openProxies } from "./stalling-proxy.ts";
import { startWorkers, type Workers } from "./workers.ts";

/** Everything that a run starts. */
export type Stage = AsyncDisposable & {
  readonly folder: string;
  readonly network: Network;
  readonly server: Server;
  readonly pooler: Pooler;
  readonly hosts: readonly Workers[];
  /** Of an adversary, below the clone base of the workers. */
  readonly repositories: HostileRepositories;
  /** As a login that has the rights of a producer, straight to the server. */
  readonly hostileUrl: string;
  /** What handlers append to. */
  readonly executionsFile: string;
  /** Stop the workers in good order. */
  readonly stopWorkers: () => Promise<void>;
};

/** The hosts by the way that their workers take to the database. */
const WAYS = ["direct", "beside", "pooled"] as const;
type Way = (typeof WAYS)[number];

const HANDLERS = path.join(import.meta.dirname, "..", "handlers");

/** Start server, pooler and hosts; on a failure, stop those that were started. */
export async function openStage(): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-chaos-"));
  await chmod(folder, 0o755);
  undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const executionsFile = path.join(folder, "executions");
  await writeFile(executionsFile, "");

  const network = undo.use(await openNetwork(WAYS));
  const { listen } = network;
  const server = undo.use(await startServer(path.join(folder, "postgres"), { listen }));
  const serverUrl = server.url;
  const hostileUrl = await makeHostileLogin(serverUrl);
  const repositories = await makeHostileRepositories(path.join(folder, "hosted"));
  const poolerFolder = path.join(folder, "pooler");
  const pooler = undo.use(await startPooler(poolerFolder, { serverUrl, listen }));

  const workers = undo.use(new AsyncDisposableStack());
  const hosts: Workers[] = [];
  for (const [place, host] of network.hosts.entries()) {
    const way = WAYS[place] ?? "direct";
    const urls = {
      server: await host.addressOf(server.url),
      pooler: await host.addressOf(pooler.url),
    };
    const started = await startWorkers(host, {
      folder: path.join(folder, host.name),
      env: {
        ...environment(executionsFile),
        ...addresses(way, urls),
        GITHUB_CLONE_BASE: repositories.cloneBase,
        REPO_CACHE_DIR: path.join(folder, "cache"),
      },
      jobs: way === "direct",
    });
    hosts.push(workers.use(started));
  }
  const owned = undo.move();
  return {
    folder,
    network,
    server,
    pooler,
    hosts,
    repositories,
    hostileUrl,
    executionsFile,
    stopWorkers: () => workers.disposeAsync(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A network of hosts by these names: of namespaces where that is allowed, else of proxies. */
async function openNetwork(names: readonly string[]): Promise<Network> {
  const reason = await cannotMakeNamespaces();
  return reason === null ? await openNamespaces(names) : openProxies(names, reason);
}

async function makeHostileLogin(serverUrl: string): Promise<string> {
  await withClient(serverUrl, (client) =>
    client.query("create role mallory login password 'mallory' in role triaged_api"),
  );
  const url = new URL(serverUrl);
  url.username = "mallory";
  url.password = "mallory";
  return url.href;
}

/** Straight; through the pooler with sessions of its own beside it; through the pooler alone. */
function addresses(way: Way, urls: { server: string; pooler: string }): Record<string, string> {
  switch (way) {
    case "direct":
      return { DATABASE_URL: urls.server };
    case "beside":
      return { DATABASE_URL: urls.pooler, DATABASE_DIRECT_URL: urls.server };
    case "pooled":
      return { DATABASE_URL: urls.pooler };
  }
}

/** Nothing of the environment gets through but what programs are found by. */
function environment(executionsFile: string): Record<string, string> {
  // oxlint-disable-next-line node/no-process-env -- Handed on, not read.
  const { PATH = "", HOME = "" } = process.env;
  return {
    PATH: `${path.dirname(process.execPath)}:${PATH}`,
    HOME,
    TZ: "UTC",
    TASKS_DIR: HANDLERS,
    [EXECUTIONS_FILE]: executionsFile,
    DB_POOL_SIZE: "4",
    SHUTDOWN_GRACE_MS: "5000",
  };
}
