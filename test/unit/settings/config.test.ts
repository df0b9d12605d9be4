import path from "node:path";
import { describe, expect, test } from "vitest";
import { EnvironmentError } from "../../../src/model/errors.ts";
import { type Config, readConfig } from "../../../src/settings/config.ts";
import { SETTINGS } from "../../../src/settings/variables.ts";
import * as effects from "./setting-effects.ts";
import {
  ADJUDICATION_SETTINGS,
  ANALYSIS_SETTINGS,
  REPOSITORY_SETTINGS,
} from "./setting-effects.ts";

const URL = "postgres://app:s3cret@127.0.0.1:5433/orders";

/** The error that an environment is refused with. */
function refusal(environment: Record<string, string>): EnvironmentError {
  try {
    readConfig(environment);
  } catch (err) {
    if (err instanceof EnvironmentError) {
      return err;
    }
    throw err;
  }
  throw new Error("expected the environment to be refused");
}

/** One value for each variable, and what it becomes: a variable that is ignored fails here. */
const EFFECTS: Record<string, effects.SettingEffect> = {
  DATABASE_URL: {
    given: { DATABASE_URL: URL },
    seen: (config) => config.connection,
    as: expect.objectContaining({ kind: "url", url: URL }),
  },
  DATABASE_DIRECT_URL: {
    given: { DATABASE_URL: URL, DATABASE_DIRECT_URL: "postgres://app@127.0.0.1:6000/orders" },
    seen: (config) => config.directConnection?.url,
    as: "postgres://app@127.0.0.1:6000/orders",
  },
  DATABASE_REPLICA_URL: {
    given: { DATABASE_URL: URL, DATABASE_REPLICA_URL: "postgres://app@127.0.0.1,127.0.0.2/orders" },
    seen: (config) => config.replica?.database.servers?.wants,
    as: "standby",
  },
  REPLICA_LAG_MAX_MS: {
    given: { DATABASE_URL: URL, DATABASE_REPLICA_URL: URL, REPLICA_LAG_MAX_MS: "300" },
    seen: (config) => config.replica?.lagMsMax,
    as: 300,
  },
  POSTGRES_HOST: {
    given: { POSTGRES_HOST: "db.example.org" },
    seen: urlOf,
    as: "postgres://orchestrator@db.example.org:5432/orchestrator",
  },
  POSTGRES_PORT: {
    given: { POSTGRES_HOST: "db", POSTGRES_PORT: "6543" },
    seen: urlOf,
    as: "postgres://orchestrator@db:6543/orchestrator",
  },
  POSTGRES_DB: {
    given: { POSTGRES_HOST: "db", POSTGRES_DB: "orders" },
    seen: urlOf,
    as: "postgres://orchestrator@db:5432/orders",
  },
  POSTGRES_USER: {
    given: { POSTGRES_HOST: "db", POSTGRES_USER: "app" },
    seen: urlOf,
    as: "postgres://app@db:5432/orchestrator",
  },
  POSTGRES_PASSWORD: {
    given: { POSTGRES_HOST: "db", POSTGRES_PASSWORD: "p@ss/w:rd" },
    seen: urlOf,
    as: "postgres://orchestrator:p%40ss%2Fw%3Ard@db:5432/orchestrator",
  },
  POSTGRES_SSLMODE: {
    given: { POSTGRES_HOST: "db", POSTGRES_SSLMODE: "disable" },
    seen: ({ connection }) => (connection.kind === "url" ? connection.tls.mode : null),
    as: "disable",
  },
  TRIAGED_DATA_DIR: {
    given: { TRIAGED_DATA_DIR: "/srv/triaged" },
    seen: (config) => config.connection,
    as: { kind: "embedded", folder: "/srv/triaged" },
  },
  TRIAGED_SCHEMA: {
    given: { TRIAGED_SCHEMA: "triage_2" },
    seen: (config) => config.schema,
    as: "triage_2",
  },
  DB_POOL_SIZE: { given: { DB_POOL_SIZE: "3" }, seen: (config) => config.pool.max, as: 3 },
  POSTGRES_POOL_SIZE: {
    given: { POSTGRES_POOL_SIZE: "4" },
    seen: (config) => config.pool.max,
    as: 4,
  },
  POSTGRES_MAX_OVERFLOW: {
    given: { POSTGRES_MAX_OVERFLOW: "10" },
    seen: (config) => config.pool.max,
    as: 20,
  },
  POSTGRES_POOL_TIMEOUT: {
    given: { POSTGRES_POOL_TIMEOUT: "2.5" },
    seen: (config) => config.pool.acquireTimeoutMs,
    as: 2500,
  },
  POSTGRES_POOL_RECYCLE: {
    given: { POSTGRES_POOL_RECYCLE: "60" },
    seen: (config) => config.pool.recycleMs,
    as: 60_000,
  },
  WORKER_ID: {
    given: { WORKER_ID: "worker-a" },
    seen: (config) => config.worker.name,
    as: "worker-a",
  },
  QUEUES: {
    given: { QUEUES: "mail, default" },
    seen: (config) => config.worker.queues,
    as: ["mail", "default"],
  },
  CONCURRENCY: {
    given: { CONCURRENCY: "24" },
    seen: (config) => config.worker.concurrency,
    as: 24,
  },
  POLL_INTERVAL: {
    given: { POLL_INTERVAL: "0.25" },
    seen: (config) => config.worker.pollIntervalMs,
    as: 250,
  },
  SHUTDOWN_GRACE_MS: {
    given: { SHUTDOWN_GRACE_MS: "500" },
    seen: (config) => config.worker.shutdownGraceMs,
    as: 500,
  },
  TASKS_DIR: {
    given: { TASKS_DIR: "handlers" },
    seen: (config) => config.worker.tasksFolder,
    as: path.resolve("handlers"),
  },
  DUAL_WRITE_MODE: {
    given: { DUAL_WRITE_MODE: "true" },
    seen: (c) => c.cutOver.dualWrite,
    as: true,
  },
  READ_FROM_POSTGRES_PERCENT: {
    given: { READ_FROM_POSTGRES_PERCENT: "10" },
    seen: (c) => c.cutOver.readPercent,
    as: 10,
  },
  SCHEDULES_FILE: { given: { SCHEDULES_FILE: "/s" }, seen: (c) => c.schedulesFile, as: "/s" },
  TASK_RETENTION_DAYS: {
    given: { TASK_RETENTION_DAYS: "0" },
    seen: (config) => config.retention.taskDays,
    as: 0,
  },
  HISTORY_RETENTION_DAYS: {
    given: { HISTORY_RETENTION_DAYS: "365" },
    seen: (config) => config.retention.historyDays,
    as: 365,
  },
  ...ANALYSIS_SETTINGS,
  ...REPOSITORY_SETTINGS,
  MAX_PAYLOAD_BYTES: {
    given: { MAX_PAYLOAD_BYTES: "2048" },
    seen: (config) => config.maxPayloadBytes,
    as: 2048,
  },
  MAX_RESULT_BYTES: {
    given: { MAX_RESULT_BYTES: "4096" },
    seen: (config) => config.maxResultBytes,
    as: 4096,
  },
  MAX_RESCUES: { given: { MAX_RESCUES: "5" }, seen: (config) => config.maxRescues, as: 5 },
  ...effects.EFFECT_SETTINGS,
  ...effects.BACKUP_SETTINGS,
  ...effects.GATEWAY_SETTINGS,
  ...ADJUDICATION_SETTINGS,
  METRICS_HOST: {
    given: { METRICS_HOST: "0.0.0.0", METRICS_PORT: "9464" },
    seen: (config) => config.metrics,
    as: { host: "0.0.0.0", port: 9464 },
  },
  METRICS_PORT: {
    given: { METRICS_PORT: "9464" },
    seen: (config) => config.metrics,
    as: { host: "127.0.0.1", port: 9464 },
  },
  LOG_LEVEL: { given: { LOG_LEVEL: "debug" }, seen: (config) => config.logLevel, as: "debug" },
  TRIAGED_ROLE_PREFIX: {
    given: { TRIAGED_ROLE_PREFIX: "orders" },
    seen: (config) => config.rolePrefix,
    as: "orders",
  },
  USE_POSTGRESQL: {
    given: { USE_POSTGRESQL: "true" },
    seen: (config) => config.connection.kind,
    as: "embedded",
  },
};

function urlOf({ connection }: Config): string | null {
  return connection.kind === "url" ? connection.url : null;
}

test("every variable has an effect that is tested", () => {
  expect(Object.keys(EFFECTS).toSorted()).toEqual(Object.keys(SETTINGS.shape).toSorted());
});

test.for(Object.entries(EFFECTS))("%s takes effect", ([, { given, seen, as }]) => {
  expect(seen(readConfig(given))).toEqual(as);
});

test("an empty environment means the embedded server and the defaults", () => {
  const config = readConfig({ DATABASE_URL: "", POSTGRES_HOST: " " });

  expect(config).toEqual({
    connection: { kind: "embedded", folder: path.resolve(".triaged") },
    directConnection: null,
    replica: null,
    analysis: { timeoutMs: 120_000, memoryMib: 2_048 },
    schedulesFile: null,
    cutOver: { dualWrite: false, readPercent: 100 },
    schema: "triaged",
    rolePrefix: null,
    pool: { max: 10, acquireTimeoutMs: 30_000, recycleMs: 3_600_000 },
    worker: {
      name: expect.stringMatching(/-\d+$/),
      queues: ["default"],
      concurrency: 10,
      pollIntervalMs: 1000,
      shutdownGraceMs: 30_000,
      tasksFolder: null,
    },
    repositories: {
      cacheFolder: path.resolve(".triaged", "repositories"),
      cloneBase: "https://github.com",
      token: null,
      allowPrivate: false,
      repositoryBytesMax: 5_000_000_000,
      packageCacheBytesMax: 1_000_000_000,
    },
    gitMemoryMib: 2_048,
    retention: { taskDays: null, historyDays: null },
    effects: effects.EFFECT_DEFAULTS,
    adjudication: null,
    gateway: {
      host: "127.0.0.1",
      port: 8080,
      requireAuth: null,
      apiKey: null,
      githubWebhookSecret: null,
      corsOrigins: [],
      publicUrl: null,
      keysFile: null,
    },
    dashboard: {
      redact: [
        "password",
        "passwd",
        "secret",
        "token",
        "api_key",
        "private_key",
        "authorization",
        "cookie",
      ],
      sessionSecret: null,
      proxy: null,
    },
    backup: { folder: null, retentionDays: 30, uploadCommand: null, programsFolder: null },
    metrics: null,
    maxPayloadBytes: 1_048_576,
    maxResultBytes: 1_048_576,
    maxRescues: 3,
    logLevel: "info",
    startedByNpm: false,
    leftOver: [],
  });
});

test("a process knows that npm started it", () => {
  expect(readConfig({ npm_command: "run-script" }).startedByNpm).toBe(true);
});

test("DATABASE_URL wins over POSTGRES_HOST", () => {
  expect(urlOf(readConfig({ DATABASE_URL: URL, POSTGRES_HOST: "elsewhere" }))).toBe(URL);
});

test.for([
  ["of no primary", { DATABASE_REPLICA_URL: URL }, "expected a primary beside it"],
  [
    "that is to be written to",
    { DATABASE_URL: URL, DATABASE_REPLICA_URL: `${URL}?target_session_attrs=read-write` },
    "expected target_session_attrs to be one of any, standby",
  ],
] as const)("a standby %s is refused", ([, environment, sentence]) => {
  expect(refusal(environment).message).toContain(`DATABASE_REPLICA_URL: ${sentence}`);
});

describe("a bad environment", () => {
  test("is refused with all its problems at once", () => {
    const { message, exitCode } = refusal({
      DATABASE_URL: "mysql://u:s3cret@h/d",
      DB_POOL_SIZE: "1",
      POSTGRES_POOL_SIZE: "2",
      CONCURRENCY: "many",
      POLL_INTERVAL: "-1",
      LOG_LEVEL: "loud",
      TRIAGED_SCHEMA: "Robert'); drop",
      USE_POSTGRESQL: "perhaps",
    });

    expect(message.split("\n")).toEqual([
      "7 settings cannot be used",
      "  TRIAGED_SCHEMA: expected a lowercase name of letters, digits and _, at most 63, not pg_…",
      '  CONCURRENCY: expected an integer from 1 to 1000, got "many"',
      '  POLL_INTERVAL: expected seconds from 0.05 to 3600, got "-1"',
      '  LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
      '  USE_POSTGRESQL: expected true or false, got "perhaps"',
      "  DATABASE_URL: expected a URL like postgres://user:password@host:5432/database",
      "  DB_POOL_SIZE: expected the same as POSTGRES_POOL_SIZE, got 1, 2",
    ]);
    expect(exitCode).toBe(78);
  });

  test.for([
    ["USE_POSTGRESQL=false", { USE_POSTGRESQL: "false" }, /keeps its tasks in PostgreSQL/],
    ["parts without a host", { POSTGRES_PORT: "5432" }, /expected a host beside POSTGRES_PORT/],
    [
      "two knowledge bases",
      { DEV_NEXUS_URL: "http://a", CONTEXT_URL: "http://s3cret" },
      /^CONTEXT_URL: expected the same as DEV_NEXUS_URL, of which it is another name$/,
    ],
    ["two pool sizes", { DB_POOL_SIZE: "1", POSTGRES_POOL_SIZE: "2" }, /^DB_POOL_SIZE: expected/],
    ["another scheme", { DATABASE_URL: "mysql://u:s3cret@h/d" }, /^DATABASE_URL: expected a URL/],
    ["words for a URL", { DATABASE_URL: "host=db password=s3cret" }, /^DATABASE_URL: expected a/],
    ["a bare # in the password", { DATABASE_URL: "postgres://u:1#s3cret@h/d" }, /percent-encode/],
    ["a port out of range", { DATABASE_URL: "postgres://u:s3cret@h:99999/d" }, /^DATABASE_URL:/],
    ["an empty host", { DATABASE_URL: "postgres://u:s3cret@a,/d" }, /^DATABASE_URL: expected each/],
    [
      "hosts as a parameter",
      { DATABASE_URL: "postgres://u:s3cret@/d?host=a,b" },
      /hosts before the/,
    ],
    [
      "a standby",
      { DATABASE_URL: `${URL}?target_session_attrs=standby` },
      /one of any, read-write/,
    ],
    ["an unknown sslmode", { DATABASE_URL: `${URL}?sslmode=maybe` }, /expected sslmode to be one/],
    ["a broken direct URL", { DATABASE_DIRECT_URL: "s3cret" }, /^DATABASE_DIRECT_URL: expected/],
    [
      "a token in a URL",
      { GITHUB_CLONE_BASE: "https://x:s3cret@h" },
      /^GITHUB_CLONE_BASE: expected/,
    ],
    ["a token of two lines", { GITHUB_TOKEN: "s3cret\nX: y" }, /^GITHUB_TOKEN: expected printable/],
    ["a broken size", { MAX_PAYLOAD_BYTES: "1e9" }, /from 1024 to 268435456, got "1e9"/],
  ] as const)("is refused in one sentence: %s", ([, environment, sentence]) => {
    const err = refusal(environment);

    expect(err.message).toMatch(sentence);
    expect(err.message).not.toContain("\n");
    expect(err.message).not.toContain("s3cret");
    expect(err.hint).not.toBe("");
  });
});
