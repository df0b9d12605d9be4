/** A gateway in the process of the test, on a port of its own and a real database. */

import { hash } from "node:crypto";
import type { Pool } from "pg";
import { pino } from "pino";
import { HistoryTail } from "../../src/client/history-tail.ts";
import { TaskCache } from "../../src/client/task-cache.ts";
import { recordSignIns } from "../../src/database/audit.ts";
import { DatabaseHealth } from "../../src/database/health.ts";
import { getTask } from "../../src/database/reader.ts";
import type { Replica } from "../../src/database/replica.ts";
import type { Dashboard, Gateway } from "../../src/gateway/gateway.ts";
import { KeyRing, type KeyRole } from "../../src/gateway/keys.ts";
import type { GatewayLimits } from "../../src/gateway/limits.ts";
import { QueueDoor } from "../../src/gateway/queue-door.ts";
import { buildGateway } from "../../src/gateway/server.ts";
import { SignInLog } from "../../src/gateway/sign-in-log.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { triageDoors } from "../../src/triage/doors/doors.ts";
import { found, waitFor } from "./connections.ts";
import { poolOf } from "./databases.ts";
import { type Running, startCli } from "./processes.ts";

/** A request's answer, with its body parsed where it is JSON. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests compare what they find.
  readonly body: any;
};

export type TestGateway = {
  /** Where it listens, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly app: Gateway;
  readonly pool: Pool;
  readonly queue: QueueDoor;
  readonly events: HistoryTail;
  readonly tasks: TaskCache;
  /** Send a request; `json` is what its body says. */
  readonly send: (
    method: string,
    path: string,
    options?: {
      readonly key?: string;
      readonly json?: unknown;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ) => Promise<Answer>;
};

/** A key for tests that each role has: `key-of-read` and so on. */
export function keysOf(roles: readonly KeyRole[], requestsPerMinute: number | null = null) {
  return new KeyRing(
    roles.map((role) => ({
      name: `${role}-key`,
      role,
      requestsPerMinute,
      hash: hash("sha256", `key-of-${role}`, "buffer"),
    })),
  );
}

export type TestGatewayOptions = {
  /** Not watched: whoever gives it looks. */
  readonly replica?: Replica | null;
  readonly schedulesFile?: string | null;
  readonly port?: number;
  readonly dashboard?: Dashboard | null;
  readonly keys?: KeyRing;
  readonly limits?: Partial<GatewayLimits>;
  readonly githubWebhookSecret?: string | null;
  readonly origins?: readonly string[];
};

function cacheOf(tail: HistoryTail, queue: QueueDoor): TaskCache {
  const read = (taskId: string) => queue.read((db) => getTask(db, taskId, { decimals: "kept" }));
  return new TaskCache({ tail, read });
}

function signInLogOf(queue: QueueDoor): SignInLog {
  const gateway = { name: "gateway", role: "enqueue", requestsPerMinute: null } as const;
  return new SignInLog({
    write: (attempts) => queue.write(gateway, (db) => recordSignIns(db, attempts)),
    logger: pino({ level: "silent" }),
  });
}

/** Start one, and have it closed when the scope ends: `await using`. */
export async function startGateway(
  databaseUrl: string,
  {
    keys = new KeyRing([]),
    limits = {},
    githubWebhookSecret = null,
    origins = [],
    port = 0,
    dashboard = null,
    schedulesFile = null,
    replica = null,
  }: TestGatewayOptions = {},
): Promise<TestGateway & AsyncDisposable> {
  const logger = pino({ level: "silent" });
  const pool = poolOf(databaseUrl, { connectionTimeoutMillis: 5_000 });
  const queue = new QueueDoor({
    pool,
    schema: "triaged",
    maxPayloadBytes: 1_048_576,
    logger,
    replica,
  });
  const health = new DatabaseHealth({ ask: () => pool.query("select"), logger });
  const events = new HistoryTail({ read: (work) => queue.read(work) });
  const tasks = cacheOf(events, queue);
  const access = { keys, required: keys.size > 0, origins };
  const metrics = new Metrics({
    process: "gateway",
    queue: { pool, schema: "triaged", logger, replica },
    cachedReads: () => tasks.counts,
  });
  const signIns = signInLogOf(queue);
  const app = await buildGateway(
    {
      access,
      queue,
      health,
      replica,
      metrics,
      events,
      signIns,
      tasks,
      maxPayloadBytes: 1_048_576,
      allowPrivate: false,
      schedulesFile,
      application: triageDoors({ githubWebhookSecret }),
      dashboard,
      publicUrl: null,
    },
    { logger, limits },
  );
  const url = await app.listen({ host: "127.0.0.1", port });
  return {
    url,
    app,
    pool,
    queue,
    events,
    tasks,
    send: senderTo(url),
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await signIns.close();
      tasks.close();
      await events.close();
      metrics.close();
      await pool.end();
    },
  };
}

const senderTo =
  (url: string): TestGateway["send"] =>
  async (method, path, { key, json, body, headers = {} } = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { "x-api-key": key }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") === true;
    return {
      status: answer.status,
      headers: answer.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  };

/** Start a gateway, and wait until it says where it listens. */
export async function startServe(
  env: Readonly<Record<string, string>>,
): Promise<Running & AsyncDisposable & { readonly address: string }> {
  const serve = startCli(["serve"], { env: { PORT: "0", ...env } });
  const address = await waitFor(
    () => /the gateway listens at (http:[^"]+)/.exec(serve.output.stderr)?.[1],
    { deadlineMs: 20_000 },
  );
  return {
    ...serve,
    address: found(address),
    [Symbol.asyncDispose]: async () => {
      serve.signal("SIGKILL");
      await serve.ended;
    },
  };
}
