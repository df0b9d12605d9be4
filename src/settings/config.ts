/**
 * The environment, read and checked in one place.
 *
 * Empty means unset. Every secret can come from a file (`DATABASE_URL_FILE`). All problems
 * are reported together, and none quotes a secret.
 */
import { hostname } from "node:os";
import path from "node:path";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import { maskSecrets, withoutEnd } from "../model/text.ts";
import {
  type AdjudicationConfig,
  type AnalysisConfig,
  adjudicationConfigOf,
  describeAdjudication,
  type RepositoryConfig,
} from "./analysis.ts";
import { BACKUP_VARIABLES, type BackupConfig, backupConfigOf, describeBackup } from "./backup.ts";
import { type DashboardConfig, dashboardConfigOf, describeDashboard } from "./dashboard.ts";
import { type DatabaseUrl, databaseUrlOf, parseDatabaseUrl } from "./database-url.ts";
import { describeEffects, type EffectsConfig, effectsConfigOf } from "./effects.ts";
import { type Environment, readSecretFiles } from "./environment.ts";
import {
  describeGateway,
  GATEWAY_VARIABLES,
  type GatewayConfig,
  gatewayConfigOf,
} from "./gateway.ts";
import { describeMetrics, type MetricsConfig, metricsConfigOf } from "./metrics.ts";
import { NO_PLACEHOLDERS, olderSettingsIn, placeholderIn, templateIn } from "./rejected-values.ts";
import { type LogLevel, SECRETS, SETTINGS, type Settings } from "./variables.ts";

export type Config = {
  readonly connection: DatabaseConnection;
  /** For LISTEN and session locks where `connection` goes through a pooler; else null. */
  readonly directConnection: DatabaseUrl | null;
  /** Standbys that lists, pages and metrics are read from; null: the primary has them all. */
  readonly replica: ReplicaConfig | null;
  readonly schema: string;
  /** What the names of the queue's roles begin with; null: as in use, else schema_database. */
  readonly rolePrefix: string | null;
  readonly pool: PoolConfig;
  readonly worker: WorkerConfig;
  /**
   * Days that final tasks and history are kept, for a database that nobody has told otherwise; 0 =
   * for ever, null = not said here.
   */
  readonly retention: { readonly taskDays: number | null; readonly historyDays: number | null };
  readonly repositories: RepositoryConfig;
  /** What one analysis of a triage may take. */
  readonly analysis: AnalysisConfig;
  /** MiB of memory for each process of git; git.ts takes it from gitMemoryMib(). */
  readonly gitMemoryMib: number;
  /** The crontab, absolute; null = `crontab` here, if there is one. */
  readonly schedulesFile: string | null;
  /** During a cut-over from an older store: what `dualWrite` of the library does in a producer. */
  readonly cutOver: { readonly dualWrite: boolean; readonly readPercent: number };
  readonly effects: EffectsConfig;
  /** Null: verdicts rest on the facts alone. */
  readonly adjudication: AdjudicationConfig | null;
  readonly gateway: GatewayConfig;
  readonly dashboard: DashboardConfig;
  readonly backup: BackupConfig;
  /** Of workers and jobs; null: none. */
  readonly metrics: MetricsConfig | null;
  readonly maxPayloadBytes: number;
  readonly maxResultBytes: number;
  /** Workers that may die with a task before it is `failed` as poisonous. */
  readonly maxRescues: number;
  readonly logLevel: LogLevel;
  /** Whether npm or npx runs this process, and ought to take it along when it ends. */
  readonly startedByNpm: boolean;
  /** Variables of other systems that nothing here reads, a sentence each. */
  readonly leftOver: readonly string[];
};

/** Where the database is: named, or the embedded server that runs in `folder`. */
export type DatabaseConnection =
  | ({ readonly kind: "url" } & DatabaseUrl)
  | { readonly kind: "embedded"; readonly folder: string };

/** How old what a standby answers may be; beyond that the primary is asked. */
export type ReplicaConfig = { readonly database: DatabaseUrl; readonly lagMsMax: number };

export type PoolConfig = {
  /** Connections of one process at most. */
  readonly max: number;
  readonly acquireTimeoutMs: number;
  /** A connection is replaced at this age. */
  readonly recycleMs: number;
};

export type WorkerConfig = {
  /** Name in `workers`; unique over the processes that run. @default hostname-pid */
  readonly name: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  readonly shutdownGraceMs: number;
  /** Folder with the handlers, absolute; null = `tasks` here, else those of triaged. */
  readonly tasksFolder: string | null;
};

/**
 * Read the configuration. Throws an EnvironmentError (exit code 78) that names every
 * variable that cannot be used, what was expected, and what to do. For `isLibrary`, variables of
 * older systems are nobody's fault.
 */
export function readConfig(
  // oxlint-disable-next-line node/no-process-env -- This file is its only reader.
  environment: Environment = process.env,
  { isLibrary = false }: { readonly isLibrary?: boolean } = {},
): Config {
  const { values, problems } = readSecretFiles(environment, SECRETS);
  const older = olderSettingsIn(values);
  // The environment of an application is its own: what it says to others is not meant for us.
  if (!isLibrary) problems.push(...older.refused);
  const ours = isLibrary ? withoutServices(values) : values;
  const settings = parseSettings(withoutPlaceholders(ours, problems), problems);

  const connections = connectionsOf(settings, problems);
  const effects = effectsConfigOf(settings, problems);
  const adjudication = adjudicationConfigOf(settings, problems);
  const gateway = gatewayConfigOf(settings, problems);
  const dashboard = dashboardConfigOf(settings, problems);
  const backup = backupConfigOf(settings, problems);
  problems.push(...contradictions(settings));
  if (connections === null || problems.length > 0) {
    throw unusable(problems);
  }

  return {
    ...connections,
    schema: settings.TRIAGED_SCHEMA,
    rolePrefix: settings.TRIAGED_ROLE_PREFIX ?? null,
    pool: poolOf(settings),
    worker: workerOf(settings),
    retention: retentionOf(settings),
    repositories: {
      cacheFolder: path.resolve(
        settings.REPO_CACHE_DIR ?? path.join(settings.TRIAGED_DATA_DIR, "repositories"),
      ),
      cloneBase: settings.GITHUB_CLONE_BASE,
      token: settings.GITHUB_TOKEN ?? null,
      allowPrivate: settings.ALLOW_PRIVATE_WEBHOOKS,
      repositoryBytesMax: settings.MAX_REPO_BYTES,
      packageCacheBytesMax: settings.MAX_PACKAGE_CACHE_BYTES,
    },
    analysis: {
      timeoutMs: settings.ANALYSIS_TIMEOUT_MS,
      memoryMib: settings.ANALYSIS_MEMORY_MIB,
    },
    gitMemoryMib: settings.MAX_GIT_MEMORY_MIB,
    schedulesFile:
      settings.SCHEDULES_FILE === undefined ? null : path.resolve(settings.SCHEDULES_FILE),
    cutOver: cutOverOf(settings),
    effects,
    adjudication,
    gateway,
    dashboard,
    backup,
    metrics: metricsConfigOf(settings),
    maxPayloadBytes: settings.MAX_PAYLOAD_BYTES,
    maxResultBytes: settings.MAX_RESULT_BYTES,
    maxRescues: settings.MAX_RESCUES,
    logLevel: settings.LOG_LEVEL,
    startedByNpm: environment["npm_command"] !== undefined,
    leftOver: older.told,
  };
}

function retentionOf(settings: Settings): Config["retention"] {
  return {
    taskDays: settings.TASK_RETENTION_DAYS ?? null,
    historyDays: settings.HISTORY_RETENTION_DAYS ?? null,
  };
}

function cutOverOf(settings: Settings): Config["cutOver"] {
  return {
    dualWrite: settings.DUAL_WRITE_MODE,
    readPercent: settings.READ_FROM_POSTGRES_PERCENT,
  };
}

function workerOf(settings: Settings): WorkerConfig {
  return {
    name: settings.WORKER_ID ?? `${hostname()}-${process.pid}`,
    queues: settings.QUEUES,
    concurrency: settings.CONCURRENCY,
    pollIntervalMs: settings.POLL_INTERVAL,
    shutdownGraceMs: settings.SHUTDOWN_GRACE_MS,
    tasksFolder: settings.TASKS_DIR === undefined ? null : path.resolve(settings.TASKS_DIR),
  };
}

/** Applications have a HOST, ports and backups of their own, which may be no numbers at all. */
function withoutServices(values: Environment): Environment {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name]) => !GATEWAY_VARIABLES.includes(name) && !BACKUP_VARIABLES.includes(name),
    ),
  );
}

function poolOf(settings: Settings): PoolConfig {
  const size = settings.DB_POOL_SIZE ?? settings.POSTGRES_POOL_SIZE ?? 10;
  return {
    max: size + settings.POSTGRES_MAX_OVERFLOW,
    acquireTimeoutMs: settings.POSTGRES_POOL_TIMEOUT,
    recycleMs: settings.POSTGRES_POOL_RECYCLE,
  };
}

/** The values without those that nobody has replaced yet, which are added to the problems. */
function withoutPlaceholders(values: Environment, problems: string[]): Environment {
  const usable = { ...values };
  for (const name of Object.keys(SETTINGS.shape)) {
    const value = values[name];
    const strict = NO_PLACEHOLDERS.some((one) => one === name);
    const found = value === undefined ? null : (strict ? placeholderIn : templateIn)(value);
    if (found !== null) {
      problems.push(`${name}: expected a value, got ${found}; set it, or unset the variable`);
      delete usable[name];
    }
  }
  return usable;
}

/** The settings. What is wrong is added to the problems, and counts as unset from there on. */
function parseSettings(values: Environment, problems: string[]): Settings {
  const parsed = SETTINGS.safeParse(values);
  if (parsed.success) {
    return parsed.data;
  }
  const usable = { ...values };
  for (const { path: name, message } of parsed.error.issues) {
    problems.push(`${name.join(".")}: ${message}`);
    delete usable[String(name[0])];
  }
  return SETTINGS.parse(usable);
}

/** Each server that is named; null where one cannot be read, which is added to the problems. */
function connectionsOf(
  settings: Settings,
  problems: string[],
): Pick<Config, "connection" | "directConnection" | "replica"> | null {
  const attempt = <Value>(variable: string, read: () => Value): Value | undefined => {
    try {
      return read();
    } catch (err) {
      problems.push(`${variable}: ${err instanceof Error ? err.message : String(err)}`);
      return undefined;
    }
  };
  const connection = attempt("DATABASE_URL", () => connectionOf(settings));
  const directConnection = attempt("DATABASE_DIRECT_URL", () => directConnectionOf(settings));
  const replica = attempt("DATABASE_REPLICA_URL", () => replicaOf(settings));
  return connection === undefined || directConnection === undefined || replica === undefined
    ? null
    : { connection, directConnection, replica };
}

/** DATABASE_URL, else POSTGRES_*, else the embedded server. */
function connectionOf(settings: Settings): DatabaseConnection {
  if (settings.DATABASE_URL !== undefined) {
    return { kind: "url", ...parseDatabaseUrl(settings.DATABASE_URL, settings.POSTGRES_SSLMODE) };
  }
  if (settings.POSTGRES_HOST !== undefined) {
    const url = databaseUrlOf({
      host: settings.POSTGRES_HOST,
      port: settings.POSTGRES_PORT ?? 5432,
      database: settings.POSTGRES_DB ?? "orchestrator",
      user: settings.POSTGRES_USER ?? "orchestrator",
      password: settings.POSTGRES_PASSWORD,
    });
    return { kind: "url", ...parseDatabaseUrl(url, settings.POSTGRES_SSLMODE) };
  }
  return { kind: "embedded", folder: path.resolve(settings.TRIAGED_DATA_DIR) };
}

function directConnectionOf(settings: Settings): DatabaseUrl | null {
  return settings.DATABASE_DIRECT_URL === undefined
    ? null
    : parseDatabaseUrl(settings.DATABASE_DIRECT_URL, settings.POSTGRES_SSLMODE);
}

function replicaOf(settings: Settings): ReplicaConfig | null {
  const { DATABASE_REPLICA_URL: url, REPLICA_LAG_MAX_MS: lagMsMax } = settings;
  return url === undefined
    ? null
    : {
        database: parseDatabaseUrl(url, settings.POSTGRES_SSLMODE, { of: "standby" }),
        lagMsMax,
      };
}

/** Settings that are fine one by one, but not together. */
function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  const named = (["POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"] as const)
    .filter((name) => settings[name] !== undefined)
    .join(", ");
  if (settings.DATABASE_URL === undefined && settings.POSTGRES_HOST === undefined && named !== "") {
    problems.push(`POSTGRES_HOST: expected a host beside ${named}, got none`);
  }
  if (
    settings.DATABASE_REPLICA_URL !== undefined &&
    settings.DATABASE_URL === undefined &&
    settings.POSTGRES_HOST === undefined
  ) {
    problems.push(
      "DATABASE_REPLICA_URL: expected a primary beside it, in DATABASE_URL or POSTGRES_HOST, got none",
    );
  }
  const { DB_POOL_SIZE: size, POSTGRES_POOL_SIZE: sameSize } = settings;
  if (size !== undefined && sameSize !== undefined && size !== sameSize) {
    problems.push(
      `DB_POOL_SIZE: expected the same as POSTGRES_POOL_SIZE, got ${size}, ${sameSize}`,
    );
  }
  const { DEV_NEXUS_URL: nexus = null, CONTEXT_URL: context = null } = settings;
  if (nexus !== null && context !== null && withoutEnd(nexus, "/") !== withoutEnd(context, "/")) {
    // Not quoted: addresses may hold a login.
    problems.push("CONTEXT_URL: expected the same as DEV_NEXUS_URL, of which it is another name");
  }
  if (!settings.USE_POSTGRESQL) {
    problems.push("USE_POSTGRESQL: triaged keeps its tasks in PostgreSQL and has no other mode");
  }
  return problems;
}

function unusable(problems: readonly string[]): EnvironmentError {
  const [first, ...more] = problems;
  return new EnvironmentError(
    more.length === 0
      ? (first ?? "")
      : [`${problems.length} settings cannot be used`, ...problems].join("\n  "),
    {
      hint: "correct or unset the variables named above; `triaged work --print-config` shows what is in force",
      exitCode: EXIT_CODES.config,
    },
  );
}

/**
 * What is in force, by the names of the variables that set it, for `--print-config`.
 * Passwords are masked; everything else can be pasted into an environment file.
 */
export function describeConfig(config: Config): Record<string, string> {
  const { connection, directConnection: direct, replica } = config;
  const { pool, worker, retention, repositories } = config;
  return {
    ...(connection.kind === "url"
      ? { DATABASE_URL: describeUrl(connection) }
      : { TRIAGED_DATA_DIR: connection.folder }),
    ...(direct === null ? {} : { DATABASE_DIRECT_URL: describeUrl(direct) }),
    ...(replica === null
      ? {}
      : {
          DATABASE_REPLICA_URL: describeUrl(replica.database),
          REPLICA_LAG_MAX_MS: String(replica.lagMsMax),
        }),
    TRIAGED_SCHEMA: config.schema,
    ...(config.rolePrefix === null ? {} : { TRIAGED_ROLE_PREFIX: config.rolePrefix }),
    DB_POOL_SIZE: String(pool.max),
    POSTGRES_POOL_TIMEOUT: String(pool.acquireTimeoutMs / 1000),
    POSTGRES_POOL_RECYCLE: String(pool.recycleMs / 1000),
    WORKER_ID: worker.name,
    QUEUES: worker.queues.join(","),
    CONCURRENCY: String(worker.concurrency),
    POLL_INTERVAL: String(worker.pollIntervalMs / 1000),
    SHUTDOWN_GRACE_MS: String(worker.shutdownGraceMs),
    ...(worker.tasksFolder === null ? {} : { TASKS_DIR: worker.tasksFolder }),
    ...(config.schedulesFile === null ? {} : { SCHEDULES_FILE: config.schedulesFile }),
    DUAL_WRITE_MODE: String(config.cutOver.dualWrite),
    READ_FROM_POSTGRES_PERCENT: String(config.cutOver.readPercent),
    ...describeNumber("TASK_RETENTION_DAYS", retention.taskDays),
    ...describeNumber("HISTORY_RETENTION_DAYS", retention.historyDays),
    REPO_CACHE_DIR: repositories.cacheFolder,
    ANALYSIS_TIMEOUT_MS: String(config.analysis.timeoutMs),
    ANALYSIS_MEMORY_MIB: String(config.analysis.memoryMib),
    MAX_REPO_BYTES: String(repositories.repositoryBytesMax),
    MAX_GIT_MEMORY_MIB: String(config.gitMemoryMib),
    MAX_PACKAGE_CACHE_BYTES: String(repositories.packageCacheBytesMax),
    GITHUB_CLONE_BASE: repositories.cloneBase,
    ...(repositories.token === null ? {} : { GITHUB_TOKEN: "****" }),
    ...describeEffects(config.effects),
    ...describeAdjudication(config.adjudication),
    ...describeGateway(config.gateway),
    ...describeDashboard(config.dashboard),
    ...describeBackup(config.backup),
    ...describeMetrics(config.metrics),
    MAX_PAYLOAD_BYTES: String(config.maxPayloadBytes),
    MAX_RESULT_BYTES: String(config.maxResultBytes),
    MAX_RESCUES: String(config.maxRescues),
    LOG_LEVEL: config.logLevel,
  };
}

function describeNumber(name: string, value: number | null): Record<string, string> {
  return value === null ? {} : { [name]: String(value) };
}

/** The URL with the TLS settings back in it and the password masked. */
function describeUrl({ url, tls }: DatabaseUrl): string {
  const parameters = [
    `sslmode=${tls.mode}`,
    ...(tls.rootCertificateFile === null ? [] : [`sslrootcert=${tls.rootCertificateFile}`]),
    ...(tls.certificateFile === null ? [] : [`sslcert=${tls.certificateFile}`]),
    ...(tls.keyFile === null ? [] : [`sslkey=${tls.keyFile}`]),
  ];
  return maskSecrets(`${url}${url.includes("?") ? "&" : "?"}${parameters.join("&")}`);
}
