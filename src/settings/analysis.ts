import { type BreakerConfig, httpAddress } from "./effects.ts";
import { type LLM_PROVIDERS, SETTINGS, type Settings } from "./variables.ts";

export type AnalysisConfig = {
  readonly timeoutMs: number;
  /** Of heap, in MiB. */
  readonly memoryMib: number;
};

/** Where triage gets repositories from and keeps its mirrors of them. */
export type RepositoryConfig = {
  /** Folder of the mirrors and of what is extracted from them, absolute. */
  readonly cacheFolder: string;
  /** What stands before `/owner/name` in the URL of a repository; no slash at its end. */
  readonly cloneBase: string;
  /** Sent to `cloneBase` and nowhere else. */
  readonly token: string | null;
  /** Whether clone URLs of events may lead to private and link-local addresses. @default false */
  readonly allowPrivate?: boolean;
  /** Bytes of one mirror, which a fetch is ended at. @default REPOSITORY_LIMITS */
  readonly repositoryBytesMax?: number;
  /** Bytes of all tarballs that are kept. @default REPOSITORY_LIMITS */
  readonly packageCacheBytesMax?: number;
};

/**
 * MAX_GIT_MEMORY_MIB, read where git is started, so that no caller can forget to pass it on. A
 * value that cannot be used counts as unset: readConfig has told of it.
 */
export function gitMemoryMib(): number {
  // oxlint-disable-next-line node/no-process-env -- This file is its only reader.
  const given = process.env["MAX_GIT_MEMORY_MIB"]?.trim() || undefined;
  const schema = SETTINGS.shape.MAX_GIT_MEMORY_MIB;
  const parsed = schema.safeParse(given);
  return parsed.success ? parsed.data : schema.parse(undefined);
}

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
