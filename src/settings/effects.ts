import path from "node:path";
import { withoutEnd } from "../model/text.ts";
import type { ALERTS, EFFECTS_MODES, Settings, WEBHOOK_FORMATS } from "./variables.ts";

/** How `triaged jobs` delivers effects. Durations in milliseconds. */
export type EffectsConfig = {
  readonly mode: (typeof EFFECTS_MODES)[number];
  /** Where mode `file` writes, absolute. */
  readonly folder: string;
  readonly github: { readonly token: string | null; readonly apiUrl: string };
  readonly webhook: {
    readonly url: string | null;
    readonly format: (typeof WEBHOOK_FORMATS)[number];
  };
  /** Where alerts go; without a URL there are none. */
  readonly alerts: {
    readonly url: string | null;
    readonly format: (typeof WEBHOOK_FORMATS)[number];
    readonly kinds: readonly (typeof ALERTS)[number][];
    /** A due task that waits for longer is late. */
    readonly queueAgeMs: number;
  };
  /** Whether `task_updates` is notified of each task that changed. */
  readonly taskUpdates: boolean;
  /** Of the older system's knowledge base. */
  readonly contextUrl: string | null;
  /** Whether webhooks and pushes may go to private and link-local addresses. */
  readonly allowPrivate: boolean;
  readonly push: {
    readonly tries: number;
    readonly retryBaseMs: number;
    readonly jwtTtlSeconds: number;
    readonly jwtSkewSeconds: number;
  };
  readonly breaker: BreakerConfig;
};

/** After so many failures of a host within the window it is left alone for a while. */
export type BreakerConfig = {
  readonly failuresMax: number;
  readonly windowMs: number;
  readonly pauseMs: number;
};

/** What is wrong with an address is added to the problems, without the address. */
export function effectsConfigOf(settings: Settings, problems: string[]): EffectsConfig {
  const url = (
    name: "GITHUB_API_URL" | "WEBHOOK_URL" | "ALERT_URL" | "DEV_NEXUS_URL" | "CONTEXT_URL",
  ): string | null => {
    const given = settings[name];
    return given === undefined ? null : httpAddress(name, given, problems);
  };
  return {
    mode: settings.EFFECTS_MODE,
    folder: path.resolve(settings.EFFECTS_DIR),
    github: { token: settings.GITHUB_TOKEN ?? null, apiUrl: url("GITHUB_API_URL") ?? "" },
    webhook: { url: url("WEBHOOK_URL"), format: settings.WEBHOOK_FORMAT },
    alerts: {
      url: url("ALERT_URL"),
      format: settings.ALERT_FORMAT,
      kinds: settings.ALERTS,
      queueAgeMs: settings.ALERT_QUEUE_AGE,
    },
    taskUpdates: settings.TASK_UPDATES,
    contextUrl: url("DEV_NEXUS_URL") ?? url("CONTEXT_URL"),
    allowPrivate: settings.ALLOW_PRIVATE_WEBHOOKS,
    push: {
      tries: settings.PUSH_MAX_ATTEMPTS,
      retryBaseMs: settings.PUSH_RETRY_BASE_MS,
      jwtTtlSeconds: settings.PUSH_JWT_TTL_SECONDS,
      jwtSkewSeconds: settings.PUSH_JWT_SKEW_SECONDS,
    },
    breaker: {
      failuresMax: settings.AGENT_FAILURE_THRESHOLD,
      windowMs: settings.AGENT_FAILURE_WINDOW_MS,
      pauseMs: settings.AGENT_COOLDOWN_MS,
    },
  };
}

/** The same by the names of the variables; of a secret only that it is set. */
export function describeEffects(config: EffectsConfig): Record<string, string> {
  const { github, webhook, alerts, push, breaker } = config;
  return {
    EFFECTS_MODE: config.mode,
    EFFECTS_DIR: config.folder,
    ...(github.token === null ? {} : { GITHUB_TOKEN: "****" }),
    GITHUB_API_URL: github.apiUrl,
    ...(webhook.url === null ? {} : { WEBHOOK_URL: "****" }),
    WEBHOOK_FORMAT: webhook.format,
    TASK_UPDATES: String(config.taskUpdates),
    ...(alerts.url === null ? {} : { ALERT_URL: "****" }),
    ALERT_FORMAT: alerts.format,
    ALERTS: alerts.kinds.join(","),
    ALERT_QUEUE_AGE: String(alerts.queueAgeMs / 1000),
    ...(config.contextUrl === null ? {} : { DEV_NEXUS_URL: config.contextUrl }),
    ALLOW_PRIVATE_WEBHOOKS: String(config.allowPrivate),
    PUSH_MAX_ATTEMPTS: String(push.tries),
    PUSH_RETRY_BASE_MS: String(push.retryBaseMs),
    PUSH_JWT_TTL_SECONDS: String(push.jwtTtlSeconds),
    PUSH_JWT_SKEW_SECONDS: String(push.jwtSkewSeconds),
    AGENT_FAILURE_THRESHOLD: String(breaker.failuresMax),
    AGENT_FAILURE_WINDOW_MS: String(breaker.windowMs),
    AGENT_COOLDOWN_MS: String(breaker.pauseMs),
  };
}

/**
 * The address of a setting without slashes at its end. What is wrong with it is added to the
 * problems, without the address: it may hold a secret.
 */
export function httpAddress(name: string, given: string, problems: string[]): string {
  const protocol = URL.parse(given)?.protocol;
  if (protocol !== "http:" && protocol !== "https:") {
    problems.push(`${name}: expected an http:// or https:// address`);
  }
  return withoutEnd(given, "/");
}
