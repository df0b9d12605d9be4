import { defineHandler } from "../src/handler.ts";
import { NeedsDecision } from "../src/outcome.ts";
import type { Analysis, AnalysisRequest, ServiceRequest } from "../src/triage/analysis.ts";
import { packageSource, serviceSource } from "../src/triage/changed-source.ts";
import { type Asked, consumerResult } from "../src/triage/consumer-result.ts";
import { effectsOf } from "../src/triage/effects-of.ts";
import { isNpmPayload, npmRequest } from "../src/triage/npm-request.ts";
import { type ConsumerTriagePayload, consumerTriagePayload } from "../src/triage/payload.ts";
import { triageResult } from "../src/triage/result.ts";
import { runAnalysis } from "../src/triage/run-analysis.ts";
import { serviceRequest } from "../src/triage/service-request.ts";
import { answerIn, questionOn, withAnswer } from "../src/triage/verdict/decision.ts";
import { verdictOn } from "../src/triage/verdict/verdict.ts";

const VERSION = "1.1.0";

/**
 * Does a change of the source break this consumer? For a package it compares the two published
 * versions and compiles the consumer against both; for a service it reads what the change says
 * of routes, credentials, environment and ports, and finds where the consumer relies on them.
 */
export default defineHandler({
  payload: consumerTriagePayload,
  result: triageResult,
  version: VERSION,
  timeout: 600_000,
  // Each holds a thread, which may take a core and two gigabytes.
  concurrency: 2,
  async run(payload, context) {
    const startedAt = performance.now();
    const { request, asked } = questionIn(payload);
    const found = await runAnalysis(request, {
      signal: context.signal,
      onProgress: ({ percent, step }) => context.progress(percent, step),
    });
    const decision = answerIn(context.decision);
    const analysis = withAnswer(found, decision);
    const durationMs = Math.round(performance.now() - startedAt);
    const run = { handler: "consumer_triage", version: VERSION, durationMs, decision };
    const result = consumerResult(asked, analysis, run);
    if (decision === null && asks(payload.relationship_config, analysis)) {
      throw new NeedsDecision(questionOn(payload.target_repo, asked.source.name, analysis), result);
    }
    for (const effect of effectsOf(result, payload)) {
      context.effects.add(effect);
    }
    return result;
  },
});

type Question = { readonly request: AnalysisRequest | ServiceRequest; readonly asked: Asked };

function questionIn(payload: ConsumerTriagePayload): Question {
  if (isNpmPayload(payload)) {
    const request = npmRequest(payload, process.cwd());
    return { request, asked: { payload, source: packageSource(payload) } };
  }
  const request = serviceRequest(payload, process.cwd());
  return { request, asked: { payload, source: serviceSource(payload, request.change) } };
}

function asks(config: ConsumerTriagePayload["relationship_config"], analysis: Analysis): boolean {
  return config.on_uncertain === "ask" && verdictOn(analysis, config.urgency_mapping).grey;
}
