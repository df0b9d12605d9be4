import type { AdjudicationConfig, LlmProvider } from "../../src/settings/analysis.ts";
import { CircuitBreaker } from "../../src/system/http.ts";
import type { ModelAnswer } from "../../src/triage/verdict/adjudication/answer.ts";
import type { ModelAccess } from "../../src/triage/verdict/adjudication/call-model.ts";
import { answerJson, type Behaviour, type StubServer, startStub } from "./http-servers.ts";

/** An answer that stays within all bounds for the result of makeResult(). */
export const SOUND: ModelAnswer = {
  requires_action: true,
  urgency: "medium",
  impact_summary: "The route is gone, and the client calls it.",
  affected_files: ["src/client.ts"],
  recommended_changes: "1. src/client.ts: call /v2/users",
  confidence: 0.9,
  reasoning: "The client names the route.",
};

/** Says this text in the words of whichever interface was asked. */
export function says(text: string): Behaviour {
  return ({ path }, response) => {
    answerJson(
      response,
      200,
      path === "/v1/messages"
        ? {
            content: [{ type: "text", text }],
            usage: { input_tokens: 700, output_tokens: 90 },
          }
        : {
            choices: [{ message: { role: "assistant", content: text } }],
            usage: { prompt_tokens: 700, completion_tokens: 90 },
          },
    );
    return true;
  };
}

export function answers(parts: Partial<Record<keyof ModelAnswer, unknown>> = {}): Behaviour {
  return says(JSON.stringify({ ...SOUND, ...parts }));
}

export function refuses(status: number, headers: Record<string, string> = {}): Behaviour {
  return (_received, response) => {
    answerJson(response, status, { error: { message: "no" } }, headers);
    return true;
  };
}

/** Takes the request and never says anything. */
export const hangs: Behaviour = () => true;

/** A model on loopback: one behaviour for each request in turn, the last one from there on. */
export async function startModel(...turns: Behaviour[]): Promise<StubServer> {
  let at = 0;
  return await startStub((...request) => {
    const turn = turns[Math.min(at, turns.length - 1)];
    at += 1;
    return turn?.(...request) ?? false;
  });
}

export function configFor(
  model: Pick<StubServer, "url">,
  parts: Partial<AdjudicationConfig> = {},
): AdjudicationConfig {
  const provider: LlmProvider = "anthropic";
  return {
    provider,
    baseUrl: model.url,
    key: "s3cret",
    model: "stub-1",
    inputCharsMax: 60_000,
    timeoutMs: 5_000,
    breaker: { failuresMax: 5, windowMs: 30_000, pauseMs: 30_000 },
    ...parts,
  };
}

/** Access with a breaker of its own, that does not wait long between tries. */
export function accessTo(
  model: Pick<StubServer, "url">,
  parts: Partial<AdjudicationConfig> = {},
): ModelAccess {
  const config = configFor(model, parts);
  return { config, breaker: new CircuitBreaker(config.breaker), retryBaseMs: 1 };
}
