/**
 * Variables of older systems that mean nothing here. One that promises something (a lock on the
 * door, a backup, another store) is refused, since nobody would notice that the promise is broken;
 * what is left over of another runtime is told of. docs/configuration.md has the table.
 */
import type { Environment } from "./environment.ts";

type OlderSetting = {
  /** A name, or with * at its end all that begin so. */
  readonly name: string;
  readonly is: "refused" | "told";
  /** Unset: any value that is not empty. */
  readonly unless?: RegExp;
  /** What is so instead, and what to do. */
  readonly because: string;
};

const OFF = /^(?:false|no|off|0|disabled|none)$/i;

const ONE_STORE = "tasks are in PostgreSQL alone, and no other store is read; unset it";
const NO_WORKERS_OF =
  "workers are `triaged work`: CONCURRENCY, QUEUES and the settings of handlers; unset it";
const NO_BACKUPS = "triaged makes no backups; use pg_dump or WAL archiving, and unset it";
const OTHER_RUNTIME = "another runtime's; nothing here reads it";
const OF_COMPOSE = "nothing here reads it; DATABASE_URL or POSTGRES_PASSWORD says it";

/** The first that fits counts. */
export const OLDER_SETTINGS: readonly OlderSetting[] = [
  {
    name: "REQUIRE_AUTH",
    is: "refused",
    unless: OFF,
    because: "there is no HTTP interface that could ask for a key; roles of the database guard it",
  },
  {
    name: "ORCHESTRATOR_API_KEY",
    is: "refused",
    because: "there is no HTTP interface that would ask for it; unset it",
  },
  { name: "USE_REDIS", is: "refused", unless: OFF, because: ONE_STORE },
  { name: "REDIS_*", is: "refused", because: ONE_STORE },
  { name: "CELERY_*", is: "refused", because: NO_WORKERS_OF },
  { name: "RQ_*", is: "refused", because: NO_WORKERS_OF },
  { name: "DUAL_WRITE_MODE", is: "refused", unless: OFF, because: ONE_STORE },
  { name: "READ_FROM_POSTGRES_PERCENT", is: "refused", unless: /^100$/, because: ONE_STORE },
  {
    name: "DATABASE_REPLICA_URL",
    is: "refused",
    because: "everything is read from the primary; several hosts go into DATABASE_URL; unset it",
  },
  { name: "BACKUP_*", is: "refused", because: NO_BACKUPS },
  { name: "DB_PASSWORD", is: "told", because: OF_COMPOSE },
  { name: "REPL_PASSWORD", is: "told", because: OF_COMPOSE },
  { name: "POOL_MODE", is: "told", because: "a pooler's; triaged finds out by itself" },
  {
    name: "AGENT_MAX_IN_FLIGHT",
    is: "told",
    because: "nothing here reads it; the concurrency of a handler limits its attempts",
  },
  {
    name: "CUSTOM_LLM_BASE_URL",
    is: "told",
    because: "nothing here reads it; LLM_BASE_URL, LLM_API_KEY and LLM_MODEL do",
  },
  {
    name: "OLLAMA_*",
    is: "told",
    because: "nothing here reads it; LLM_BASE_URL, LLM_API_KEY and LLM_MODEL do",
  },
  { name: "MIX_*", is: "told", because: OTHER_RUNTIME },
  { name: "RELEASE_*", is: "told", because: OTHER_RUNTIME },
  { name: "CLUSTER_*", is: "told", because: OTHER_RUNTIME },
  { name: "CORTEX_ROOT", is: "told", because: OTHER_RUNTIME },
];

/** What is wrong, and what is left over, one sentence each. Values are not quoted. */
export function olderSettingsIn(values: Environment): { refused: string[]; told: string[] } {
  const found = Object.entries(values).flatMap(([variable, value]) => {
    const known = OLDER_SETTINGS.find(({ name }) =>
      name.endsWith("*") ? variable.startsWith(name.slice(0, -1)) : variable === name,
    );
    return known === undefined || value === undefined || known.unless?.test(value.trim()) === true
      ? []
      : [{ is: known.is, text: `${variable}: ${known.because}` }];
  });
  const of = (is: OlderSetting["is"]) =>
    found.filter((one) => one.is === is).map(({ text }) => text);
  return { refused: of("refused"), told: of("told") };
}
