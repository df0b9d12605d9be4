/**
 * Every variable that triaged reads, with its default. Flags of the CLI use the same
 * schemas, and win. docs/configuration.md has the table in words.
 */
import { z } from "zod";
import { withoutEnd } from "../model/text.ts";
import { SSL_MODES } from "./database-url.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const EFFECTS_MODES = ["live", "dry_run", "file"] as const;
export const WEBHOOK_FORMATS = ["auto", "discord", "slack", "json"] as const;
export const ALERTS = ["needs_decision", "failed", "queue_age", "worker"] as const;
export const LLM_PROVIDERS = ["anthropic", "openai"] as const;
/** What a key, and a reader of the dashboard, may do; each may do what those before it may. */
export const KEY_ROLE_NAMES = ["read", "enqueue", "operate", "admin"] as const;
/** Covered in the dashboard unless UI_REDACT says otherwise. */
const REDACTED = [
  "password",
  "passwd",
  "secret",
  "token",
  "api_key",
  "private_key",
  "authorization",
  "cookie",
];
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Hold a password or a token: each has a `*_FILE` variant and is never printed. */
export const SECRETS = [
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "DATABASE_REPLICA_URL",
  "POSTGRES_PASSWORD",
  "GITHUB_TOKEN",
  "WEBHOOK_URL",
  "ALERT_URL",
  "LLM_API_KEY",
  "ANTHROPIC_API_KEY",
  "ORCHESTRATOR_API_KEY",
  "GITHUB_WEBHOOK_SECRET",
  "UI_SESSION_SECRET",
] as const;

export const SETTINGS = z.object({
  DATABASE_URL: text().optional(),
  DATABASE_DIRECT_URL: text().optional(),
  DATABASE_REPLICA_URL: text().optional(),
  REPLICA_LAG_MAX_MS: integer({ min: 100, max: 3_600_000 }).default(5_000),
  POSTGRES_HOST: text().optional(),
  POSTGRES_PORT: integer({ min: 1, max: 65_535 }).optional(),
  POSTGRES_DB: text().optional(),
  POSTGRES_USER: text().optional(),
  POSTGRES_PASSWORD: text().optional(),
  POSTGRES_SSLMODE: choice(SSL_MODES).optional(),
  TRIAGED_DATA_DIR: text().default(".triaged"),
  TRIAGED_SCHEMA: z
    .string()
    // unproven pattern -- it reads a setting of the operator; it is anchored, and no longer than 63
    .regex(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/, {
      error: "expected a lowercase name of letters, digits and _, at most 63, not pg_…",
    })
    .default("triaged"),
  TRIAGED_ROLE_PREFIX: z
    .string()
    // unproven pattern -- it reads a setting of the operator; it is anchored, and no longer than 54
    .regex(/^(?!pg_)[a-z_][a-z0-9_]{0,53}$/, {
      error: "expected a lowercase name of letters, digits and _, at most 54, not pg_…",
    })
    .optional(),
  DB_POOL_SIZE: integer({ min: 1, max: 1000 }).optional(),
  POSTGRES_POOL_SIZE: integer({ min: 1, max: 1000 }).optional(),
  POSTGRES_MAX_OVERFLOW: integer({ min: 0, max: 1000 }).default(0),
  POSTGRES_POOL_TIMEOUT: seconds({ min: 0.1, max: 3600 }).default(30_000),
  POSTGRES_POOL_RECYCLE: seconds({ min: 1, max: 604_800 }).default(3_600_000),
  WORKER_ID: text({ max: 200 }).optional(),
  QUEUES: commaSeparated({ max: 100 }).default(["default"]),
  CONCURRENCY: integer({ min: 1, max: 1000 }).default(10),
  POLL_INTERVAL: seconds({ min: 0.05, max: 3600 }).default(1000),
  SHUTDOWN_GRACE_MS: integer({ min: 0, max: 3_600_000 }).default(30_000),
  TASKS_DIR: text().optional(),
  SCHEDULES_FILE: text().optional(),
  DUAL_WRITE_MODE: yesOrNo().default(false),
  READ_FROM_POSTGRES_PERCENT: integer({ min: 0, max: 100 }).default(100),
  TASK_RETENTION_DAYS: integer({ min: 0, max: 36_500 }).optional(),
  HISTORY_RETENTION_DAYS: integer({ min: 0, max: 36_500 }).optional(),
  MAX_PAYLOAD_BYTES: integer({ min: 1024, max: 268_435_456 }).default(1_048_576),
  MAX_RESULT_BYTES: integer({ min: 1024, max: 268_435_456 }).default(1_048_576),
  MAX_RESCUES: integer({ min: 1, max: 100 }).default(3),
  REPO_CACHE_DIR: text().optional(),
  ANALYSIS_TIMEOUT_MS: integer({ min: 100, max: 200_000 }).default(120_000),
  ANALYSIS_MEMORY_MIB: integer({ min: 64, max: 65_536 }).default(2_048),
  MAX_REPO_BYTES: integer({ min: 1_000_000, max: 1_000_000_000_000 }).default(5_000_000_000),
  MAX_GIT_MEMORY_MIB: integer({ min: 128, max: 65_536 }).default(2_048),
  MAX_PACKAGE_CACHE_BYTES: integer({ min: 0, max: 1_000_000_000_000 }).default(1_000_000_000),
  GITHUB_CLONE_BASE: cloneBase().default("https://github.com"),
  GITHUB_TOKEN: token().optional(),
  EFFECTS_MODE: choice(EFFECTS_MODES).default("live"),
  EFFECTS_DIR: text().default(".triaged/effects"),
  GITHUB_API_URL: text().default("https://api.github.com"),
  WEBHOOK_URL: text().optional(),
  WEBHOOK_FORMAT: choice(WEBHOOK_FORMATS).default("auto"),
  DEV_NEXUS_URL: text().optional(),
  CONTEXT_URL: text().optional(),
  ALLOW_PRIVATE_WEBHOOKS: yesOrNo().default(false),
  TASK_UPDATES: yesOrNo().default(false),
  ALERT_URL: text().optional(),
  ALERT_FORMAT: choice(WEBHOOK_FORMATS).default("auto"),
  ALERTS: someOf(ALERTS).default([...ALERTS]),
  ALERT_QUEUE_AGE: seconds({ min: 1, max: 31_536_000 }).default(600_000),
  PUSH_MAX_ATTEMPTS: integer({ min: 1, max: 10 }).default(3),
  PUSH_RETRY_BASE_MS: integer({ min: 1, max: 10_000 }).default(200),
  PUSH_JWT_TTL_SECONDS: integer({ min: 1, max: 86_400 }).default(300),
  PUSH_JWT_SKEW_SECONDS: integer({ min: 0, max: 86_400 }).default(120),
  LLM_PROVIDER: choice(LLM_PROVIDERS).optional(),
  LLM_API_KEY: token().optional(),
  ANTHROPIC_API_KEY: token().optional(),
  LLM_BASE_URL: text().optional(),
  LLM_MODEL: text({ max: 200 }).optional(),
  LLM_MAX_INPUT_CHARS: integer({ min: 10_000, max: 1_000_000 }).default(60_000),
  LLM_TIMEOUT_MS: integer({ min: 100, max: 120_000 }).default(60_000),
  AGENT_FAILURE_THRESHOLD: integer({ min: 1, max: 1000 }).default(5),
  AGENT_FAILURE_WINDOW_MS: integer({ min: 1, max: 3_600_000 }).default(30_000),
  AGENT_COOLDOWN_MS: integer({ min: 1, max: 3_600_000 }).default(30_000),
  HOST: text({ max: 255 }).default("127.0.0.1"),
  PORT: integer({ min: 0, max: 65_535 }).default(8080),
  REQUIRE_AUTH: yesOrNo().optional(),
  ORCHESTRATOR_API_KEY: token().optional(),
  API_KEYS_FILE: text().optional(),
  PUBLIC_URL: text({ max: 2000 }).optional(),
  CORS_ORIGINS: commaSeparated({ max: 100 }).optional(),
  GITHUB_WEBHOOK_SECRET: token().optional(),
  UI_REDACT: commaSeparated({ max: 100 }).default(REDACTED),
  UI_SESSION_SECRET: token().optional(),
  UI_PROXY_HEADER: text({ max: 100 }).optional(),
  UI_PROXY_ROLE_HEADER: text({ max: 100 }).optional(),
  UI_PROXY_ROLE: choice(KEY_ROLE_NAMES).default("read"),
  UI_PROXY_ADDRESSES: commaSeparated({ max: 100 }).optional(),
  BACKUP_DIR: text().optional(),
  BACKUP_RETENTION_DAYS: integer({ min: 0, max: 36_500 }).optional(),
  BACKUP_UPLOAD_COMMAND: text({ max: 1_000 }).optional(),
  PG_BIN_DIR: text().optional(),
  METRICS_HOST: text({ max: 255 }).default("127.0.0.1"),
  // Room for the offsets of workers and jobs.
  METRICS_PORT: integer({ min: 0, max: 65_000 }).optional(),
  LOG_LEVEL: choice(LOG_LEVELS).default("info"),
  USE_POSTGRESQL: yesOrNo().default(true),
});
export type Settings = z.output<typeof SETTINGS>;

/**
 * Schemas of what arrives as text, from the environment or from flags. Each says in one
 * sentence what it expected and what it got.
 */

type Range = { readonly min: number; readonly max: number };

export function text({ max = 10_000 }: { max?: number } = {}) {
  return z
    .string()
    .min(1, { error: "expected some text, got none" })
    .max(max, { error: `expected at most ${max} characters` });
}

export function integer({ min, max }: Range) {
  return z.string().transform((given, context) => {
    const value = Number(given);
    if (/^-?\d+$/.test(given.trim()) && value >= min && value <= max) {
      return value;
    }
    return refuse(context, `expected an integer from ${min} to ${max}, got "${given}"`);
  });
}

/** Seconds, with decimals; comes out as whole milliseconds. */
function seconds({ min, max }: Range) {
  return z.string().transform((given, context) => {
    const value = Number(given);
    if (/^\d+(\.\d+)?$/.test(given.trim()) && value >= min && value <= max) {
      return Math.round(value * 1000);
    }
    return refuse(context, `expected seconds from ${min} to ${max}, got "${given}"`);
  });
}

export function choice<const Name extends string>(names: readonly Name[]) {
  return z.string().transform((given, context) => {
    const known = names.find((name) => name === given);
    return known ?? refuse(context, `expected one of ${names.join(", ")}, got "${given}"`);
  });
}

/** Names of a list with commas between them. */
function someOf<const Name extends string>(names: readonly Name[]) {
  return commaSeparated({ max: names.length }).transform((given, context) => {
    const known = names.filter((name) => given.includes(name));
    return known.length === given.length
      ? known
      : refuse(context, `expected some of ${names.join(",")}, each once, got "${given.join(",")}"`);
  });
}

/** Where repositories are cloned from: a URL that `owner/name` can be put behind. */
function cloneBase() {
  return z.string().transform((given, context) => {
    const url = URL.canParse(given) ? new URL(given) : null;
    const known = ["https:", "http:", "ssh:", "file:"].includes(url?.protocol ?? "");
    if (url !== null && known && url.password === "" && url.search === "" && url.hash === "") {
      return withoutEnd(given, "/");
    }
    return refuse(context, "expected an https, http, ssh or file URL without password or query");
  });
}

/** Something that goes into a header: it must not be able to end it. */
function token() {
  return z
    .string()
    .trim()
    .max(1_000)
    .regex(/^[\x21-\x7e]+$/, { error: "expected printable ASCII without blanks" });
}

/** Names with commas between them. */
function commaSeparated({ max }: { max: number }) {
  return z.string().transform((given, context) => {
    const names = given.split(",").map((name) => name.trim());
    if (names.length <= max && names.every((name) => name !== "")) {
      return names;
    }
    return refuse(context, `expected up to ${max} names with commas between, got "${given}"`);
  });
}

function yesOrNo() {
  return z.string().transform((given, context) => {
    switch (given.trim().toLowerCase()) {
      case "true":
      case "yes":
      case "on":
      case "1":
        return true;
      case "false":
      case "no":
      case "off":
      case "0":
        return false;
      default:
        return refuse(context, `expected true or false, got "${given}"`);
    }
  });
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
