import type { SettingEffect } from "./effect-settings.ts";

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
