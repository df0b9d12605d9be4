/** For each variable a value, where it shows in the configuration, and as what. */
import path from "node:path";
import type { Config } from "../../../src/settings/config.ts";
import type { EffectsConfig } from "../../../src/settings/effects.ts";

/** A value for a variable, where it shows, and as what. */
export type SettingEffect = {
  given: Record<string, string>;
  seen: (config: Config) => unknown;
  as: unknown;
};

/** The variables that `triaged jobs` delivers effects by. */
export const EFFECT_SETTINGS: Record<string, SettingEffect> = {
  EFFECTS_MODE: {
    given: { EFFECTS_MODE: "file" },
    seen: (config) => config.effects.mode,
    as: "file",
  },
  EFFECTS_DIR: {
    given: { EFFECTS_DIR: "/srv/out" },
    seen: (config) => config.effects.folder,
    as: "/srv/out",
  },
  GITHUB_TOKEN: {
    given: { GITHUB_TOKEN: "ghp_1" },
    seen: (config) => config.effects.github.token,
    as: "ghp_1",
  },
  GITHUB_API_URL: {
    given: { GITHUB_API_URL: "https://ghe.example.org/api/v3/" },
    seen: (config) => config.effects.github.apiUrl,
    as: "https://ghe.example.org/api/v3",
  },
  WEBHOOK_URL: {
    given: { WEBHOOK_URL: "https://hooks.example.org/x" },
    seen: (config) => config.effects.webhook.url,
    as: "https://hooks.example.org/x",
  },
  WEBHOOK_FORMAT: {
    given: { WEBHOOK_FORMAT: "slack" },
    seen: (config) => config.effects.webhook.format,
    as: "slack",
  },
  DEV_NEXUS_URL: {
    given: { DEV_NEXUS_URL: "http://nexus:8080" },
    seen: (config) => config.effects.contextUrl,
    as: "http://nexus:8080",
  },
  CONTEXT_URL: {
    given: { CONTEXT_URL: "http://nexus:8080/" },
    seen: (config) => config.effects.contextUrl,
    as: "http://nexus:8080",
  },
  ALLOW_PRIVATE_WEBHOOKS: {
    given: { ALLOW_PRIVATE_WEBHOOKS: "true" },
    seen: (config) => config.effects.allowPrivate,
    as: true,
  },
  TASK_UPDATES: {
    given: { TASK_UPDATES: "true" },
    seen: (config) => config.effects.taskUpdates,
    as: true,
  },
  ALERT_URL: {
    given: { ALERT_URL: "https://hooks.example.org/alerts" },
    seen: (config) => config.effects.alerts.url,
    as: "https://hooks.example.org/alerts",
  },
  ALERT_FORMAT: {
    given: { ALERT_FORMAT: "slack" },
    seen: (config) => config.effects.alerts.format,
    as: "slack",
  },
  ALERTS: {
    given: { ALERTS: "failed, worker" },
    seen: (config) => config.effects.alerts.kinds,
    as: ["failed", "worker"],
  },
  ALERT_QUEUE_AGE: {
    given: { ALERT_QUEUE_AGE: "90" },
    seen: (config) => config.effects.alerts.queueAgeMs,
    as: 90_000,
  },
  PUSH_MAX_ATTEMPTS: {
    given: { PUSH_MAX_ATTEMPTS: "5" },
    seen: (config) => config.effects.push.tries,
    as: 5,
  },
  PUSH_RETRY_BASE_MS: {
    given: { PUSH_RETRY_BASE_MS: "50" },
    seen: (config) => config.effects.push.retryBaseMs,
    as: 50,
  },
  PUSH_JWT_TTL_SECONDS: {
    given: { PUSH_JWT_TTL_SECONDS: "60" },
    seen: (config) => config.effects.push.jwtTtlSeconds,
    as: 60,
  },
  PUSH_JWT_SKEW_SECONDS: {
    given: { PUSH_JWT_SKEW_SECONDS: "0" },
    seen: (config) => config.effects.push.jwtSkewSeconds,
    as: 0,
  },
  AGENT_FAILURE_THRESHOLD: {
    given: { AGENT_FAILURE_THRESHOLD: "9" },
    seen: (config) => config.effects.breaker.failuresMax,
    as: 9,
  },
  AGENT_FAILURE_WINDOW_MS: {
    given: { AGENT_FAILURE_WINDOW_MS: "1000" },
    seen: (config) => config.effects.breaker.windowMs,
    as: 1000,
  },
  AGENT_COOLDOWN_MS: {
    given: { AGENT_COOLDOWN_MS: "2000" },
    seen: (config) => config.effects.breaker.pauseMs,
    as: 2000,
  },
};

/** What they are without any setting. */
export const EFFECT_DEFAULTS: EffectsConfig = {
  mode: "live",
  folder: path.resolve(".triaged/effects"),
  github: { token: null, apiUrl: "https://api.github.com" },
  webhook: { url: null, format: "auto" },
  alerts: {
    url: null,
    format: "auto",
    kinds: ["needs_decision", "failed", "queue_age", "worker"],
    queueAgeMs: 600_000,
  },
  taskUpdates: false,
  contextUrl: null,
  allowPrivate: false,
  push: { tries: 3, retryBaseMs: 200, jwtTtlSeconds: 300, jwtSkewSeconds: 120 },
  breaker: { failuresMax: 5, windowMs: 30_000, pauseMs: 30_000 },
};

const KEY = { LLM_API_KEY: "sk-1", LLM_MODEL: "stub-1" };

/** The variables of the model that open verdicts are put to. */
export const ADJUDICATION_SETTINGS: Record<string, SettingEffect> = {
  LLM_API_KEY: { given: KEY, seen: (config) => config.adjudication?.key, as: "sk-1" },
  ANTHROPIC_API_KEY: {
    given: { LLM_PROVIDER: "anthropic", ANTHROPIC_API_KEY: "sk-2", LLM_MODEL: "stub-1" },
    seen: (config) => config.adjudication?.key,
    as: "sk-2",
  },
  LLM_PROVIDER: {
    given: { ...KEY, LLM_PROVIDER: "openai" },
    seen: (config) => [config.adjudication?.provider, config.adjudication?.baseUrl],
    as: ["openai", "https://api.openai.com"],
  },
  LLM_MODEL: { given: KEY, seen: (config) => config.adjudication?.model, as: "stub-1" },
  LLM_BASE_URL: {
    given: { ...KEY, LLM_BASE_URL: "http://127.0.0.1:8080/llm/v1/" },
    seen: (config) => config.adjudication?.baseUrl,
    as: "http://127.0.0.1:8080/llm",
  },
  LLM_MAX_INPUT_CHARS: {
    given: { ...KEY, LLM_MAX_INPUT_CHARS: "20000" },
    seen: (config) => config.adjudication?.inputCharsMax,
    as: 20_000,
  },
  LLM_TIMEOUT_MS: {
    given: { ...KEY, LLM_TIMEOUT_MS: "500" },
    seen: (config) => config.adjudication?.timeoutMs,
    as: 500,
  },
};

/** One value for each variable that bounds an analysis, and what it becomes. */
export const ANALYSIS_SETTINGS: Record<string, SettingEffect> = {
  ANALYSIS_TIMEOUT_MS: {
    given: { ANALYSIS_TIMEOUT_MS: "5000" },
    seen: (config) => config.analysis.timeoutMs,
    as: 5_000,
  },
  ANALYSIS_MEMORY_MIB: {
    given: { ANALYSIS_MEMORY_MIB: "512" },
    seen: (config) => config.analysis.memoryMib,
    as: 512,
  },
};

/** The settings of the repositories that triage reads, as config.test.ts wants them. */
export const REPOSITORY_SETTINGS: Record<string, SettingEffect> = {
  REPO_CACHE_DIR: {
    given: { REPO_CACHE_DIR: "mirrors" },
    seen: (config) => config.repositories.cacheFolder,
    as: path.resolve("mirrors"),
  },
  MAX_REPO_BYTES: {
    given: { MAX_REPO_BYTES: "2000000" },
    seen: (config) => config.repositories.repositoryBytesMax,
    as: 2_000_000,
  },
  MAX_GIT_MEMORY_MIB: {
    given: { MAX_GIT_MEMORY_MIB: "512" },
    seen: (config) => config.gitMemoryMib,
    as: 512,
  },
  MAX_PACKAGE_CACHE_BYTES: {
    given: { MAX_PACKAGE_CACHE_BYTES: "0" },
    seen: (config) => config.repositories.packageCacheBytesMax,
    as: 0,
  },
  GITHUB_CLONE_BASE: {
    given: { GITHUB_CLONE_BASE: "https://git.example.org/" },
    seen: (config) => config.repositories.cloneBase,
    as: "https://git.example.org",
  },
  GITHUB_TOKEN: {
    given: { GITHUB_TOKEN: " ghp_abc " },
    seen: (config) => config.repositories.token,
    as: "ghp_abc",
  },
};

/** What a proxy needs at least. */
const PROXY = { UI_PROXY_HEADER: "X-Forwarded-User", UI_PROXY_ADDRESSES: "127.0.0.1" };

/** The variables that `triaged serve` listens by. */
export const GATEWAY_SETTINGS: Record<string, SettingEffect> = {
  HOST: { given: { HOST: "::1" }, seen: (config) => config.gateway.host, as: "::1" },
  PORT: { given: { PORT: "9000" }, seen: (config) => config.gateway.port, as: 9000 },
  REQUIRE_AUTH: {
    given: { REQUIRE_AUTH: "true" },
    seen: (config) => config.gateway.requireAuth,
    as: true,
  },
  ORCHESTRATOR_API_KEY: {
    given: { ORCHESTRATOR_API_KEY: "a-key-of-sixteen" },
    seen: (config) => config.gateway.apiKey,
    as: "a-key-of-sixteen",
  },
  GITHUB_WEBHOOK_SECRET: {
    given: { GITHUB_WEBHOOK_SECRET: "a-secret-of-sixteen" },
    seen: (config) => config.gateway.githubWebhookSecret,
    as: "a-secret-of-sixteen",
  },
  PUBLIC_URL: {
    given: { PUBLIC_URL: "https://queue.example.org/" },
    seen: (config) => config.gateway.publicUrl,
    as: "https://queue.example.org",
  },
  CORS_ORIGINS: {
    given: { CORS_ORIGINS: "https://board.example.org, http://localhost:3000" },
    seen: (config) => config.gateway.corsOrigins,
    as: ["https://board.example.org", "http://localhost:3000"],
  },
  API_KEYS_FILE: {
    given: { API_KEYS_FILE: "keys.json" },
    seen: (config) => config.gateway.keysFile,
    as: path.resolve("keys.json"),
  },
  UI_REDACT: {
    given: { UI_REDACT: "iban, pin" },
    seen: (config) => config.dashboard.redact,
    as: ["iban", "pin"],
  },
  UI_SESSION_SECRET: {
    given: { UI_SESSION_SECRET: "a-secret-of-thirty-two-characters" },
    seen: (config) => config.dashboard.sessionSecret,
    as: "a-secret-of-thirty-two-characters",
  },
  UI_PROXY_HEADER: {
    given: { ...PROXY, UI_PROXY_HEADER: "X-User" },
    seen: (config) => config.dashboard.proxy?.userHeader,
    as: "x-user",
  },
  UI_PROXY_ROLE_HEADER: {
    given: { ...PROXY, UI_PROXY_ROLE_HEADER: "X-Role" },
    seen: (config) => config.dashboard.proxy?.roleHeader,
    as: "x-role",
  },
  UI_PROXY_ROLE: {
    given: { ...PROXY, UI_PROXY_ROLE: "operate" },
    seen: (config) => config.dashboard.proxy?.role,
    as: "operate",
  },
  UI_PROXY_ADDRESSES: {
    given: { ...PROXY, UI_PROXY_ADDRESSES: "10.0.0.5, fd00::/8" },
    seen: (config) => config.dashboard.proxy?.addresses,
    as: ["10.0.0.5", "fd00::/8"],
  },
};

/** The variables of dumps. */
export const BACKUP_SETTINGS: Record<string, SettingEffect> = {
  BACKUP_DIR: {
    given: { BACKUP_DIR: "/srv/dumps" },
    seen: (config) => config.backup.folder,
    as: "/srv/dumps",
  },
  BACKUP_RETENTION_DAYS: {
    given: { BACKUP_DIR: "/srv/dumps", BACKUP_RETENTION_DAYS: "7" },
    seen: (config) => config.backup.retentionDays,
    as: 7,
  },
  BACKUP_UPLOAD_COMMAND: {
    given: { BACKUP_DIR: "/srv/dumps", BACKUP_UPLOAD_COMMAND: " aws s3 cp  {} s3://b/x " },
    seen: (config) => config.backup.uploadCommand,
    as: ["aws", "s3", "cp", "{}", "s3://b/x"],
  },
  PG_BIN_DIR: {
    given: { PG_BIN_DIR: "/usr/lib/postgresql/16/bin" },
    seen: (config) => config.backup.programsFolder,
    as: "/usr/lib/postgresql/16/bin",
  },
};
