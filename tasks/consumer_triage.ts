import { readConfig } from "../src/config.ts";
import { defineHandler } from "../src/handler.ts";
import { NeedsDecision } from "../src/outcome.ts";
import { analyzeWork } from "../src/triage/analyze-work.ts";
import { consumerResult } from "../src/triage/consumer-result.ts";
import { effectsOf } from "../src/triage/effects-of.ts";
import { consumerTriagePayload } from "../src/triage/payload.ts";
import { prepare } from "../src/triage/prepare/prepare.ts";
import { triageResult } from "../src/triage/result.ts";
import { answerIn, openQuestion, withAnswer } from "../src/triage/verdict/decision.ts";

const VERSION = "1.2.0";

/**
 * Does a change of the source break this consumer? For a package it compares two versions and
 * compiles the consumer against both; for a repository it reads what the change says of routes,
 * credentials, environment and ports, finds where the consumer relies on them, and compares the
 * packages that the repository publishes.
 */
export default defineHandler({
  payload: consumerTriagePayload,
  result: triageResult,
  version: VERSION,
  timeout: 600_000,
  // Each holds a thread, which may take a core and two gigabytes.
  concurrency: 2,
  async run(payload, context) {
    const { signal } = context;
    const startedAt = performance.now();
    const { repositories } = readConfig();
    const decision = answerIn(context.decision);

    context.progress(0, "finding the change and the consumer");
    const workingDirectory = process.cwd();
    await using prepared = await prepare(payload, { repositories, workingDirectory, signal });

    const found = await analyzeWork(await prepared.read(), {
      signal,
      onProgress: ({ percent, step }) => context.progress(percent, step),
    });
    const analysis = withAnswer(found, decision);

    const durationMs = Math.round(performance.now() - startedAt);
    const run = { handler: "consumer_triage", version: VERSION, durationMs, decision };
    const result = consumerResult(prepared.asked, analysis, run);

    const question = decision === null ? openQuestion(prepared.asked, analysis) : null;
    if (question !== null) throw new NeedsDecision(question, result);
    for (const effect of effectsOf(result, payload)) context.effects.add(effect);
    return result;
  },
});
