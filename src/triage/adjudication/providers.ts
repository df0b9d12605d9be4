import { z } from "zod";
import type { AdjudicationConfig, LlmProvider } from "../../adjudication-config.ts";
import { UnusableAnswer } from "./answer.ts";

/** What the model is told, and what it is to judge. */
export type ModelQuestion = { readonly instructions: string; readonly document: string };

export type ModelText = {
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
const PROVIDERS: Readonly<Record<LlmProvider, Provider>> = {
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
export function requestFor(
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
export function textIn(answer: string, provider: LlmProvider): ModelText {
  try {
    return PROVIDERS[provider].read(JSON.parse(answer));
  } catch {
    throw new UnusableAnswer(`the answer is none of the ${provider} interface`);
  }
}
