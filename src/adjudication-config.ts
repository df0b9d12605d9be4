import type { BreakerConfig } from "./effects-config.ts";
import { httpAddress } from "./http-address.ts";
import type { LLM_PROVIDERS, Settings } from "./settings.ts";

export type LlmProvider = (typeof LLM_PROVIDERS)[number];

/** The language model that verdicts are put to which the facts leave open. */
export type AdjudicationConfig = {
  /** Which of the two interfaces it has. */
  readonly provider: LlmProvider;
  /** What stands before the path of the interface; no slash at its end. */
  readonly baseUrl: string;
  readonly key: string;
  readonly model: string;
  /** Characters of one question, instructions included. */
  readonly inputCharsMax: number;
  /** Milliseconds that one call may take, from connecting to the end of the answer. */
  readonly timeoutMs: number;
  readonly breaker: BreakerConfig;
};

const BASE_URLS: Readonly<Record<LlmProvider, string>> = {
  anthropic: "https://api.anthropic.com",
  openai: "https://api.openai.com",
};

/** Null: no key, no model. What is wrong is added to the problems. */
export function adjudicationConfigOf(
  settings: Settings,
  problems: string[],
): AdjudicationConfig | null {
  const provider = settings.LLM_PROVIDER ?? "anthropic";
  const key = keyOf(settings);
  if (key === undefined) {
    return null;
  }
  const model = settings.LLM_MODEL;
  if (model === undefined) {
    problems.push("LLM_MODEL: expected the name of a model beside the key, got none");
  }
  const baseUrl =
    settings.LLM_BASE_URL === undefined
      ? BASE_URLS[provider]
      : // Some documentations count the version in, some do not.
        httpAddress("LLM_BASE_URL", settings.LLM_BASE_URL, problems).replace(/\/v1$/, "");
  return {
    provider,
    baseUrl,
    key,
    model: model ?? "",
    inputCharsMax: settings.LLM_MAX_INPUT_CHARS,
    timeoutMs: settings.LLM_TIMEOUT_MS,
    breaker: {
      failuresMax: settings.AGENT_FAILURE_THRESHOLD,
      windowMs: settings.AGENT_FAILURE_WINDOW_MS,
      pauseMs: settings.AGENT_COOLDOWN_MS,
    },
  };
}

/**
 * The older variable counts only where the provider is named too: it is set on many machines
 * for other programs, and code of repositories must not go out because of that.
 */
function keyOf(settings: Settings): string | undefined {
  return (
    settings.LLM_API_KEY ??
    (settings.LLM_PROVIDER === "anthropic" ? settings.ANTHROPIC_API_KEY : undefined)
  );
}

/** The same by the names of the variables; of the key only that it is set. */
export function describeAdjudication(config: AdjudicationConfig | null): Record<string, string> {
  if (config === null) {
    return {};
  }
  return {
    LLM_PROVIDER: config.provider,
    LLM_API_KEY: "****",
    LLM_BASE_URL: config.baseUrl,
    LLM_MODEL: config.model,
    LLM_MAX_INPUT_CHARS: String(config.inputCharsMax),
    LLM_TIMEOUT_MS: String(config.timeoutMs),
  };
}
