import type { Environment } from "./environment.ts";
import { SETTINGS } from "./variables.ts";

/** Values that somebody meant to replace. */

/** Whole values, in lowercase and without blanks, _ and -. No word that a dummy key may be. */
const WORDS = new Set([
  "changeit",
  "changeme",
  "fixme",
  "none",
  "notconfigured",
  "notset",
  "null",
  "placeholder",
  "replaceme",
  "tba",
  "tbd",
  "todo",
  "undefined",
  "unset",
]);
const EXAMPLE_HOST = /(?:^|\.)example\.com$/i;

/** Settings of which a placeholder is never the value: secrets, addresses and names. */
export const NO_PLACEHOLDERS = [
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "POSTGRES_HOST",
  "GITHUB_TOKEN",
  "GITHUB_API_URL",
  "GITHUB_CLONE_BASE",
  "WEBHOOK_URL",
  "ALERT_URL",
  "DEV_NEXUS_URL",
  "LLM_API_KEY",
  "LLM_BASE_URL",
  "LLM_MODEL",
  "ORCHESTRATOR_API_KEY",
  "GITHUB_WEBHOOK_SECRET",
] as const;

/**
 * Which placeholder a value is, for a sentence; null where it is none. Of the value itself, which
 * may be a secret, only words that stand for one are quoted.
 */
export function placeholderIn(value: string): string | null {
  return templateIn(value) ?? (value.includes("://") ? addressIn(value) : wordIn(value.trim()));
}

/** What a shell, compose or a chart should have put in; of any setting. */
export function templateIn(value: string): string | null {
  const isWhole = /^\$[A-Za-z_]\w{0,100}$/.test(value.trim());
  if (isWhole || /\$\{\w{1,100}[:?+}-]/.test(value) || /\$\(\w{1,100}\)/.test(value)) {
    return "a variable that was not put in, such as ${…}";
  }
  const opens = value.search(/\{\{[\s-]{0,9}[.$A-Za-z_]/);
  return opens >= 0 && value.includes("}}", opens)
    ? "a template that was not filled in, {{…}}"
    : null;
}

function wordIn(value: string): string | null {
  if (WORDS.has(value.toLowerCase().replaceAll(/[\s_-]/g, "")) || /^x{3,}$/i.test(value)) {
    return `the placeholder "${value.slice(0, 40)}"`;
  }
  const isMeant =
    /^(?:<[^<>]*>|\[[^[\]]*\]|\*{3,}|\.{3,}|…)$/.test(value) ||
    /^(?:your|insert|replace|enter|put)[\s_-]/i.test(value) ||
    /[\s_-]here$/i.test(value);
  return isMeant ? "a placeholder such as <token> or your-token-here" : null;
}

function addressIn(value: string): string | null {
  const host = URL.parse(value)?.hostname ?? "";
  if (EXAMPLE_HOST.test(host)) {
    return `a host of examples, ${host}`;
  }
  return /<[^<>]*>|…|[/@.=]your[_-]|\/x{3,}(?:[/?]|$)|\/\.{3}(?:[/?]|$)/i.test(value)
    ? "an address with a placeholder in it"
    : null;
}

/**
 * Variables of older systems that mean nothing here. One that promises something (a lock on the
 * door, a backup, another store, a limit) is refused: nobody would notice that it is broken.
 * What platforms and neighbours set for everybody is told of. docs/configuration.md has the table.
 */

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
const OTHER_BACKUPS =
  "backups are made by BACKUP_DIR, BACKUP_RETENTION_DAYS and BACKUP_UPLOAD_COMMAND alone; unset it";
const OTHER_RUNTIME = "another runtime's; nothing here reads it";
const NO_POOLER =
  "triaged runs no pooler, and finds out by itself whether it talks to one; unset it";
const OTHER_MODEL = "a model is asked by LLM_BASE_URL, LLM_API_KEY and LLM_MODEL; unset it";

/** The first that fits counts. */
export const OLDER_SETTINGS: readonly OlderSetting[] = [
  { name: "USE_REDIS", is: "refused", unless: OFF, because: ONE_STORE },
  { name: "REDIS_*", is: "refused", because: ONE_STORE },
  { name: "CELERY_*", is: "refused", because: NO_WORKERS_OF },
  { name: "RQ_*", is: "refused", because: NO_WORKERS_OF },
  { name: "BACKUP_*", is: "refused", because: OTHER_BACKUPS },
  {
    name: "DB_PASSWORD",
    is: "refused",
    because: "no login uses it; DATABASE_URL or POSTGRES_PASSWORD says the password; unset it",
  },
  {
    name: "REPL_PASSWORD",
    is: "refused",
    because: "triaged sets up no replication; give it to the servers alone, and unset it",
  },
  { name: "POOL_MODE", is: "refused", because: NO_POOLER },
  {
    name: "AGENT_MAX_IN_FLIGHT",
    is: "refused",
    because:
      "calls of a host are not counted; CONCURRENCY and the concurrency of a handler limit attempts; unset it",
  },
  {
    name: "CORTEX_ROOT",
    is: "refused",
    because: "no files of tasks are read; import_task takes them over; unset it",
  },
  { name: "OLLAMA_MODEL", is: "refused", because: OTHER_MODEL },
  { name: "OLLAMA_*", is: "told", because: `nothing here reads it; ${OTHER_MODEL}` },
  { name: "CUSTOM_LLM_BASE_URL", is: "told", because: `nothing here reads it; ${OTHER_MODEL}` },
  { name: "MIX_*", is: "told", because: OTHER_RUNTIME },
  { name: "RELEASE_*", is: "told", because: OTHER_RUNTIME },
  { name: "CLUSTER_*", is: "told", because: OTHER_RUNTIME },
];

/** What is wrong, and what is left over, one sentence each. Values are not quoted. */
export function olderSettingsIn(values: Environment): { refused: string[]; told: string[] } {
  const left = Object.entries(values).filter(([name]) => !Object.hasOwn(SETTINGS.shape, name));
  const found = left.flatMap(([variable, value]) => {
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
