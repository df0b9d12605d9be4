import { describeAdjudication } from "./adjudication-config.ts";
import type { Config } from "./config.ts";
import type { DatabaseUrl } from "./database-url.ts";
import { describeEffects } from "./effects-config.ts";
import { maskSecrets } from "./mask-secrets.ts";

/**
 * What is in force, by the names of the variables that set it, for `--print-config`.
 * Passwords are masked; everything else can be pasted into an environment file.
 */
export function describeConfig(config: Config): Record<string, string> {
  const { connection, directConnection: direct, pool, worker, retention, repositories } = config;
  return {
    ...(connection.kind === "url"
      ? { DATABASE_URL: describeUrl(connection) }
      : { TRIAGED_DATA_DIR: connection.folder }),
    ...(direct === null ? {} : { DATABASE_DIRECT_URL: describeUrl(direct) }),
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
