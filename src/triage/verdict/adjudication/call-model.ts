import { setTimeout } from "node:timers/promises";
import pRetry from "p-retry";
import { z } from "zod";
import { type AdjudicationConfig, type CircuitBreaker, retryAfterMs } from "../../../index.ts";
import { UnusableAnswer } from "./answer.ts";

/** Of an answer: seven keys within their limits are less than a tenth. */
const ANSWER_BYTES_MAX = 1_048_576;
/** A model that asks for more patience is not waited for. */
const RETRY_AFTER_MS_MAX = 30_000;
/** The wait between tries; the first one is `retryBaseMs`, with jitter up to twice that. */
const RETRIES = { retries: 3, factor: 2, maxTimeout: 8_000, randomize: true } as const;
const RETRY_BASE_MS = 500;

/** What a call needs. The breaker is shared by all calls of a process. */
export type ModelAccess = {
  readonly config: AdjudicationConfig;
  readonly breaker: CircuitBreaker;
  /** @default RETRY_BASE_MS */
  readonly retryBaseMs?: number;
};

/** Thrown: the model did not answer, or refused to. Tells of its address no more than the host. */
export class ModelUnavailable extends Error {
  override readonly name = "ModelUnavailable";
  readonly isPassing: boolean;
  readonly waitMs: number;

  constructor(message: string, { isPassing = false, waitMs = 0 } = {}) {
    super(message);
    this.isPassing = isPassing;
    this.waitMs = waitMs;
  }
}

/**
 * Put a question to the model, and again after what may pass: the network, a timeout, 408, 409,
 * 425, 429 and 5xx. Rejects with a ModelUnavailable, with an UnusableAnswer for a 200 that is
 * none, and with the reason of `signal`.
 */
export async function callModel(
  question: ModelQuestion,
  { config, breaker, retryBaseMs = RETRY_BASE_MS }: ModelAccess,
  signal: AbortSignal,
): Promise<ModelText> {
  const { host } = new URL(config.baseUrl);
  const isWorthwhile = (error: Error): error is ModelUnavailable =>
    error instanceof ModelUnavailable &&
    error.isPassing &&
    error.waitMs <= RETRY_AFTER_MS_MAX &&
    breaker.pauseOf(host) === 0;
  const text = await pRetry(
    async () => await askOnce(requestFor(question, config), { config, breaker, host, signal }),
    {
      ...RETRIES,
      minTimeout: retryBaseMs,
      signal,
      async onFailedAttempt({ error, retriesLeft, retryDelay }) {
        if (retriesLeft > 0 && isWorthwhile(error) && error.waitMs > retryDelay) {
          await setTimeout(error.waitMs - retryDelay, undefined, { signal });
        }
      },
      shouldRetry: ({ error }) => isWorthwhile(error),
    },
  );
  return textIn(text, config.provider);
}

type Call = {
  readonly config: AdjudicationConfig;
  readonly breaker: CircuitBreaker;
  readonly host: string;
  readonly signal: AbortSignal;
};

async function askOnce(
  { url, init }: ReturnType<typeof requestFor>,
  { config, breaker, host, signal }: Call,
): Promise<string> {
  if (breaker.pauseOf(host) > 0) {
    throw new ModelUnavailable(`${host} failed too often and is left alone for a while`);
  }
  const timeout = AbortSignal.timeout(config.timeoutMs);
  try {
    const response = await fetch(url, {
      ...init,
      // Another address would get the key, and the code.
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    const text = await boundedText(response, host);
    if (response.status >= 500) {
      breaker.failed(host);
    } else {
      breaker.succeeded(host);
    }
    if (response.status !== 200) {
      throw refusal(response, host);
    }
    return text;
  } catch (err) {
    if (err instanceof ModelUnavailable) throw err;
    signal.throwIfAborted();
    breaker.failed(host);
    const reason = timeout.aborted ? `timeout of ${config.timeoutMs} ms` : networkReason(err);
    throw new ModelUnavailable(`${host} did not answer: ${reason}`, { isPassing: true });
  }
}

function refusal({ status, headers }: Response, host: string): ModelUnavailable {
  return new ModelUnavailable(`${host} answered ${status}`, {
    isPassing: status >= 500 || PASSING.has(status),
    waitMs:
      retryAfterMs({ "retry-after": headers.get("retry-after") ?? undefined }, Date.now()) ?? 0,
  });
}

const PASSING: ReadonlySet<number> = new Set([408, 409, 425, 429]);

async function boundedText(response: Response, host: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new ModelUnavailable(`${host} answered more than ${ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The code of the network's error: messages of libraries may quote the address. */
function networkReason(err: unknown): string {
  const cause: unknown = err instanceof Error ? (err.cause ?? err) : err;
  if (!(cause instanceof Error)) return "unknown error";
  const code: unknown = Reflect.get(cause, "code");
  return typeof code === "string" ? code : cause.name;
}

/** What the model is told, and what it is to judge. */
type ModelQuestion = { readonly instructions: string; readonly document: string };

type ModelText = {
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

type Provider = {
  readonly path: string;
  readonly headers: (config: AdjudicationConfig) => Record<string, string>;
  readonly body: (question: ModelQuestion, config: AdjudicationConfig) => object;
  /** Throws where the answer has another shape. */
  readonly read: (answer: unknown) => ModelText;
};

/** Seven keys within their limits are about half of it. */
const OUTPUT_TOKENS_MAX = 4_096;

const tokens = z.int().nonnegative().catch(0);

const messagesAnswer = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  usage: z
    .object({ input_tokens: tokens, output_tokens: tokens })
    .catch({ input_tokens: 0, output_tokens: 0 }),
});

const completionsAnswer = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage: z
    .object({ prompt_tokens: tokens, completion_tokens: tokens })
    .catch({ prompt_tokens: 0, completion_tokens: 0 }),
});

/**
 * The two interfaces. No sampling settings: each family of models refuses others of them.
 */
const PROVIDERS: Readonly<Record<AdjudicationConfig["provider"], Provider>> = {
  anthropic: {
    path: "/v1/messages",
    headers: ({ key }) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
    body: ({ instructions, document }, { model }) => ({
      model,
      max_tokens: OUTPUT_TOKENS_MAX,
      system: instructions,
      messages: [{ role: "user", content: document }],
    }),
    read(answer) {
      const { content, usage } = messagesAnswer.parse(answer);
      return {
        text: content.map(({ type, text = "" }) => (type === "text" ? text : "")).join(""),
        inputTokens: usage.input_tokens,
        outputTokens: usage.output_tokens,
      };
    },
  },
  openai: {
    path: "/v1/chat/completions",
    headers: ({ key }) => ({ authorization: `Bearer ${key}` }),
    body: ({ instructions, document }, { model }) => ({
      model,
      messages: [
        { role: "system", content: instructions },
        { role: "user", content: document },
      ],
    }),
    read(answer) {
      const { choices, usage } = completionsAnswer.parse(answer);
      return {
        text: choices[0]?.message.content ?? "",
        inputTokens: usage.prompt_tokens,
        outputTokens: usage.completion_tokens,
      };
    },
  },
};

/** The request that puts the question. */
function requestFor(
  question: ModelQuestion,
  config: AdjudicationConfig,
): { readonly url: string; readonly init: RequestInit } {
  const { path, headers, body } = PROVIDERS[config.provider];
  return {
    url: `${config.baseUrl}${path}`,
    init: {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "user-agent": "triaged",
        ...headers(config),
      },
      body: JSON.stringify(body(question, config)),
    },
  };
}

/** What the model says in an answer of 200. Throws an UnusableAnswer for anything else. */
function textIn(answer: string, provider: AdjudicationConfig["provider"]): ModelText {
  try {
    return PROVIDERS[provider].read(JSON.parse(answer));
  } catch {
    throw new UnusableAnswer(`the answer is none of the ${provider} interface`);
  }
}
