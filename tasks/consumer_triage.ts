import { defineHandler } from "../src/handler.ts";
import { NeedsDecision, PermanentError } from "../src/outcome.ts";
import type { Analysis } from "../src/triage/analysis.ts";
import { consumerResult } from "../src/triage/consumer-result.ts";
import { effectsOf } from "../src/triage/effects-of.ts";
import { isNpmPayload, npmRequest } from "../src/triage/npm-request.ts";
import { type ConsumerTriagePayload, consumerTriagePayload } from "../src/triage/payload.ts";
import { triageResult } from "../src/triage/result.ts";
import { runAnalysis } from "../src/triage/run-analysis.ts";
import { answerIn, questionOn, withAnswer } from "../src/triage/verdict/decision.ts";
import { verdictOn } from "../src/triage/verdict/verdict.ts";

const VERSION = "1.0.0";

/**
 * Does an upgrade of a package break this consumer? Compares the two published versions,
 * finds where the consumer meets the differences, and compiles it against both.
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
    if (!isNpmPayload(payload)) {
      throw new PermanentError(
        "only npm mode is available in this version: expected change_event.package to be " +
          "{name, from, to}, got none (comparing two commits of a git repository is not supported)",
      );
    }
    const found = await runAnalysis(npmRequest(payload, process.cwd()), {
      signal: context.signal,
      onProgress: ({ percent, step }) => context.progress(percent, step),
    });
    const decision = answerIn(context.decision);
    const analysis = withAnswer(found, decision);
    const durationMs = Math.round(performance.now() - startedAt);
    const run = { handler: "consumer_triage", version: VERSION, durationMs, decision };
    const result = consumerResult(payload, analysis, run);
    if (decision === null && asks(payload.relationship_config, analysis)) {
      const { name } = payload.change_event.package;
      throw new NeedsDecision(questionOn(payload.target_repo, name, analysis), result);
    }
    for (const effect of effectsOf(result, payload)) {
      context.effects.add(effect);
    }
    return result;
  },
});

function asks(config: ConsumerTriagePayload["relationship_config"], analysis: Analysis): boolean {
  return config.on_uncertain === "ask" && verdictOn(analysis, config.urgency_mapping).grey;
}
