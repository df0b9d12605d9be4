import path from "node:path";
import type { Config } from "../../src/settings/config.ts";
import type { EffectsConfig } from "../../src/settings/effects.ts";

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
  contextUrl: null,
  allowPrivate: false,
  push: { tries: 3, retryBaseMs: 200, jwtTtlSeconds: 300, jwtSkewSeconds: 120 },
  breaker: { failuresMax: 5, windowMs: 30_000, pauseMs: 30_000 },
};
