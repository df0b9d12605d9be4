// Goal: a setting that would promise what is not so is refused in a sentence, what another system
// left is told of, and what platforms set for everybody is nobody's fault.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { EnvironmentError } from "../../../src/model/errors.ts";
import { readConfig } from "../../../src/settings/config.ts";
import { OLDER_SETTINGS } from "../../../src/settings/rejected-values.ts";
import { SETTINGS } from "../../../src/settings/variables.ts";

const REFUSED = {
  REDIS_URL: "redis://:p4ss@cache:6379/0",
  REDIS_HOST: "cache",
  REDIS_PASSWORD: "p4ss",
  USE_REDIS: "1",
  CELERY_BROKER_URL: "redis://:p4ss@cache",
  CELERY_RESULT_BACKEND: "rpc",
  RQ_QUEUES: "default",
  RQ_REDIS_URL: "redis://:p4ss@cache",
  BACKUP_RETENTION_DAYS: "30",
  BACKUP_SCHEDULE: "0 3 * * *",
  USE_POSTGRESQL: "false",
  DB_PASSWORD: "p4ss",
  REPL_PASSWORD: "p4ss",
  POOL_MODE: "transaction",
  AGENT_MAX_IN_FLIGHT: "10",
  CORTEX_ROOT: "/srv",
  OLLAMA_MODEL: "llama",
};

const TOLD = {
  MIX_ENV: "prod",
  RELEASE_COOKIE: "c00kie",
  RELEASE_NODE: "app@host",
  CLUSTER_STRATEGY: "dns",
  OLLAMA_HOST: "127.0.0.1",
  CUSTOM_LLM_BASE_URL: "http://model",
};

const FINE = {
  PORT: "8080",
  HOST: "127.0.0.1",
  HOME: "/root",
  NODE_ENV: "production",
  REQUIRE_AUTH: "true",
  USE_REDIS: "off",
  DUAL_WRITE_MODE: "true",
  READ_FROM_POSTGRES_PERCENT: "50",
  USE_POSTGRESQL: "true",
  REDIS_URL: "",
  ORCHESTRATOR_API_KEY: "a-key-of-sixteen",
  HOSTNAME: "web-1",
};

function refusal(environment: Record<string, string>): EnvironmentError {
  try {
    readConfig(environment);
  } catch (err) {
    if (err instanceof EnvironmentError) return err;
    throw err;
  }
  throw new Error("expected a refusal, got none");
}

test.for(Object.entries(REFUSED))("%s is refused with what to do", ([name, value]) => {
  const { message, hint, exitCode } = refusal({ [name]: value });

  expect(exitCode).toBe(78);
  expect(message).toMatch(new RegExp(`^${name}: .{20}`));
  expect(message).not.toMatch(/k3y|p4ss/);
  expect(hint).toContain("unset");
});

test.for(Object.entries(TOLD))("%s is told of", ([name, value]) => {
  const { leftOver } = readConfig({ [name]: value });

  expect(leftOver).toEqual([expect.stringMatching(new RegExp(`^${name}: .{10}`))]);
  expect(leftOver.join()).not.toMatch(/p4ss|c00kie/);
});

test.for(Object.entries(FINE))("%s=%s is fine", ([name, value]) => {
  expect(readConfig({ [name]: value }).leftOver).toEqual([]);
});

/** Every variable of the older systems, and those that their deployments set beside them. */
const OLDER_VARIABLES = `
  DATABASE_URL DATABASE_DIRECT_URL DATABASE_REPLICA_URL POSTGRES_HOST POSTGRES_PORT POSTGRES_DB
  POSTGRES_USER POSTGRES_PASSWORD POSTGRES_SSLMODE DB_POOL_SIZE POSTGRES_POOL_SIZE
  POSTGRES_MAX_OVERFLOW POSTGRES_POOL_TIMEOUT POSTGRES_POOL_RECYCLE WORKER_ID POLL_INTERVAL PORT
  ORCHESTRATOR_API_KEY REQUIRE_AUTH ANTHROPIC_API_KEY GITHUB_TOKEN WEBHOOK_URL DEV_NEXUS_URL
  PUSH_MAX_ATTEMPTS PUSH_RETRY_BASE_MS PUSH_JWT_TTL_SECONDS PUSH_JWT_SKEW_SECONDS
  AGENT_MAX_IN_FLIGHT AGENT_FAILURE_THRESHOLD AGENT_FAILURE_WINDOW_MS AGENT_COOLDOWN_MS
  BACKUP_RETENTION_DAYS DUAL_WRITE_MODE READ_FROM_POSTGRES_PERCENT DB_PASSWORD REPL_PASSWORD
  POOL_MODE USE_POSTGRESQL REDIS_URL CORTEX_ROOT OLLAMA_MODEL
`
  .trim()
  .split(/\s+/);

test.for(OLDER_VARIABLES)("%s is a setting of ours, or refused", (name) => {
  const isOurs = Object.keys(SETTINGS.shape).includes(name);

  // What no setting takes for a value: one that is neither read nor refused ends here.
  expect(isOurs || refusal({ [name]: "left-over" }).message.startsWith(`${name}: `)).toBe(true);
});

test("all of them are told together", () => {
  const { message } = refusal(REFUSED);

  for (const name of Object.keys(REFUSED)) {
    expect(message).toContain(`\n  ${name}: `);
  }
});

test("the environment of an application that uses the library is its own", () => {
  expect(readConfig({ REDIS_URL: "redis://cache" }, { isLibrary: true }).connection.kind).toBe(
    "embedded",
  );
});

test("the page has each of them, and what becomes of it", () => {
  const page = readFileSync(
    path.join(import.meta.dirname, "..", "..", "..", "docs", "configuration.md"),
    "utf8",
  );
  const rows = page.split("\n").filter((line) => /\| (?:refused|told)/.test(line));

  const told = OLDER_SETTINGS.map(({ name, is, unless }) => ({
    name,
    is: unless === undefined ? is : `${is} unless off`,
  }));
  const documented = rows.flatMap((row) => {
    const [, names = "", is = ""] = row.split("|").map((cell) => cell.trim());
    return [...names.matchAll(/`([A-Z_*]+)`/g)].map(([, name]) => ({ name, is }));
  });
  expect(documented).toEqual(told);
});

const SECRET_OR_ADDRESS = [
  "DATABASE_URL",
  "GITHUB_TOKEN",
  "WEBHOOK_URL",
  "DEV_NEXUS_URL",
  "LLM_API_KEY",
  "LLM_MODEL",
  "LLM_BASE_URL",
] as const;

const PLACEHOLDERS = [
  "not-configured",
  "NOT_CONFIGURED",
  "changeme",
  "change-me",
  "CHANGE_ME",
  "xxx",
  "XXXXXXXX",
  "todo",
  "none",
  "None",
  "null",
  "undefined",
  "<token>",
  "<your token>",
  "[webhook url]",
  "your-token-here",
  "YOUR_API_KEY",
  "your-webhook-url",
  "insert-key-here",
  "${WEBHOOK_URL}",
  "${WEBHOOK_URL:-}",
  "$(WEBHOOK_URL)",
  "$WEBHOOK_URL",
  "{{ .Values.webhook }}",
  "{{webhook}}",
];

test.for(SECRET_OR_ADDRESS.flatMap((name) => PLACEHOLDERS.map((value) => ({ name, value }))))(
  "$name=$value is named as a placeholder",
  ({ name, value }) => {
    expect(refusal({ [name]: value }).message).toMatch(
      new RegExp(`${name}: expected a value, got .*(placeholder|put in|filled in)`),
    );
  },
);

test.for([
  "https://example.com/hook",
  "https://hooks.example.com/services/1",
  "https://hooks.slack.com/services/<id>",
  "https://discord.com/api/webhooks/...",
  "https://hooks.slack.com/services/xxxx/yyyy",
  "https://your-domain.com/hook",
  "https://${HOST}/hook",
])("WEBHOOK_URL=%s is named as a placeholder", (value) => {
  expect(refusal({ WEBHOOK_URL: value }).message).toMatch(/^WEBHOOK_URL: expected a value, got a/);
});

test.for([
  ["QUEUES", "${QUEUES}"],
  ["WORKER_ID", "{{ .Release.Name }}"],
  ["POSTGRES_PASSWORD", "${DB_PASSWORD}"],
] as const)("%s=%s was not filled in", ([name, value]) => {
  expect(refusal({ POSTGRES_HOST: "db", [name]: value }).message).toContain(`${name}: expected`);
});

test.for([
  ["WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/abcXXXdef"],
  ["WEBHOOK_URL", "https://my-company.webhook.office.com/x"],
  ["GITHUB_TOKEN", "ghp_nonenullxxxTODO0123456789"],
  ["LLM_API_KEY", "EMPTY"],
  ["LLM_API_KEY", "dummy"],
  ["POSTGRES_HOST", "example"],
  ["QUEUES", "none"],
  ["WORKER_ID", "todo"],
  ["POSTGRES_PASSWORD", "changeme"],
  ["POSTGRES_PASSWORD", "a$(b}}c{{$d"],
  ["DATABASE_URL", "postgres://u:none@null.internal/todo"],
] as const)("%s=%s is a value", ([name, value]) => {
  const beside = { POSTGRES_HOST: "db", LLM_MODEL: "m" };

  expect(() => readConfig({ ...beside, [name]: value })).not.toThrow();
});
