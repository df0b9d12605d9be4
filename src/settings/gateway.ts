import path from "node:path";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import { withoutEnd } from "../model/text.ts";
import type { Settings } from "./variables.ts";

/** Where `triaged serve` listens, and for whom. */
export type GatewayConfig = {
  /** An address of this machine, or a name for one. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Whether each request but those for health needs a key; null: not said. */
  readonly requireAuth: boolean | null;
  /** The one key that may do everything. A secret. */
  readonly apiKey: string | null;
  /** With what GitHub signs its webhooks; null: none of them is believed. A secret. */
  readonly githubWebhookSecret: string | null;
  /** How clients reach it, where a proxy stands before it; without a / at its end. */
  readonly publicUrl: string | null;
  /** Origins of pages that browsers let ask, such as `https://board.example.org`. */
  readonly corsOrigins: readonly string[];
  /** Names, roles and hashes of keys; absolute. */
  readonly keysFile: string | null;
};

/** What only servers read, and applications may mean otherwise. */
export const GATEWAY_VARIABLES: readonly string[] = [
  "DATABASE_REPLICA_URL",
  "REPLICA_LAG_MAX_MS",
  "HOST",
  "PORT",
  "REQUIRE_AUTH",
  "ORCHESTRATOR_API_KEY",
  "API_KEYS_FILE",
  "CORS_ORIGINS",
  "PUBLIC_URL",
  "GITHUB_WEBHOOK_SECRET",
  "UI_REDACT",
  "UI_SESSION_SECRET",
  "UI_PROXY_HEADER",
  "UI_PROXY_ROLE_HEADER",
  "UI_PROXY_ROLE",
  "UI_PROXY_ADDRESSES",
  "METRICS_HOST",
  "METRICS_PORT",
];

/** A shorter key could be guessed. */
const KEY_CHARACTERS_MIN = 16;
const SECRET_CHARACTERS_MIN = 16;

/** What is wrong is added to the problems, without the key. */
export function gatewayConfigOf(settings: Settings, problems: string[]): GatewayConfig {
  const { HOST, PORT, REQUIRE_AUTH, ORCHESTRATOR_API_KEY, API_KEYS_FILE } = settings;
  const { GITHUB_WEBHOOK_SECRET: secret, CORS_ORIGINS: origins = [], PUBLIC_URL } = settings;
  if (PUBLIC_URL !== undefined && !/^https?:$/.test(URL.parse(PUBLIC_URL)?.protocol ?? "")) {
    problems.push("PUBLIC_URL: expected an http or https URL, such as https://queue.example.org");
  }
  if ((ORCHESTRATOR_API_KEY?.length ?? KEY_CHARACTERS_MIN) < KEY_CHARACTERS_MIN) {
    problems.push(`ORCHESTRATOR_API_KEY: expected at least ${KEY_CHARACTERS_MIN} characters`);
  }
  if ((secret?.length ?? SECRET_CHARACTERS_MIN) < SECRET_CHARACTERS_MIN) {
    problems.push(`GITHUB_WEBHOOK_SECRET: expected at least ${SECRET_CHARACTERS_MIN} characters`);
  }
  for (const origin of origins) {
    if (origin !== "*" && URL.parse(origin)?.origin !== origin) {
      problems.push(
        `CORS_ORIGINS: expected origins like https://board.example.org, or *, got "${origin}"`,
      );
    }
  }
  return {
    host: HOST,
    port: PORT,
    requireAuth: REQUIRE_AUTH ?? null,
    apiKey: ORCHESTRATOR_API_KEY ?? null,
    githubWebhookSecret: secret ?? null,
    corsOrigins: origins,
    publicUrl: PUBLIC_URL === undefined ? null : withoutEnd(PUBLIC_URL, "/"),
    keysFile: API_KEYS_FILE === undefined ? null : path.resolve(API_KEYS_FILE),
  };
}

/** The same by the names of the variables; of the secret only that it is set. */
export function describeGateway(config: GatewayConfig): Record<string, string> {
  return {
    HOST: config.host,
    PORT: String(config.port),
    ...(config.requireAuth === null ? {} : { REQUIRE_AUTH: String(config.requireAuth) }),
    ...(config.apiKey === null ? {} : { ORCHESTRATOR_API_KEY: "****" }),
    ...(config.githubWebhookSecret === null ? {} : { GITHUB_WEBHOOK_SECRET: "****" }),
    ...(config.publicUrl === null ? {} : { PUBLIC_URL: config.publicUrl }),
    ...(config.corsOrigins.length === 0 ? {} : { CORS_ORIGINS: config.corsOrigins.join(",") }),
    ...(config.keysFile === null ? {} : { API_KEYS_FILE: config.keysFile }),
  };
}

/**
 * Whether requests need a key: as REQUIRE_AUTH says, else unless the loopback alone reaches
 * the gateway. Throws an EnvironmentError (78) for one that would be open to a network, and for
 * one that nobody could enter.
 */
export function needsKeys(config: GatewayConfig): boolean {
  const { host, requireAuth, apiKey, keysFile } = config;
  const isOpen = !isLoopback(host);
  if (isOpen && requireAuth === false) {
    throw refused(
      `HOST=${host} with REQUIRE_AUTH=false would open the queue to a network`,
      "unset one of them: 127.0.0.1 is reached from this machine alone",
    );
  }
  if ((isOpen || requireAuth === true) && apiKey === null && keysFile === null) {
    throw refused(
      isOpen
        ? `HOST=${host} would open the queue to a network, and there is no key to ask for`
        : "REQUIRE_AUTH=true, and there is no key to ask for",
      "set ORCHESTRATOR_API_KEY, or API_KEYS_FILE with keys that `triaged key` makes",
    );
  }
  return requireAuth ?? isOpen;
}

function refused(message: string, hint: string): EnvironmentError {
  return new EnvironmentError(message, { hint, exitCode: EXIT_CODES.config });
}

/** Whether nobody but this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
