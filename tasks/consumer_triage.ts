import { defineHandler } from "../src/index.ts";
import { triageResult } from "../src/triage/facts/result.ts";
import { analyzeWork } from "../src/triage/pipeline/analyze-work.ts";
import { architectureContext, contextAccess } from "../src/triage/pipeline/architecture-context.ts";
import { consumerTriagePayload } from "../src/triage/pipeline/consumer-payload.ts";
import { consumerResult, openQuestion } from "../src/triage/pipeline/consumer-result.ts";
import { prepare } from "../src/triage/pipeline/prepare.ts";
import { excerptSources } from "../src/triage/pipeline/prepared.ts";
import { type Ruled, reachVerdict } from "../src/triage/pipeline/reach-verdict.ts";
import { verdictEffects } from "../src/triage/pipeline/verdict-effects.ts";
import { readThresholds } from "../src/triage/relationships/notification-settings.ts";
import { triageSettings } from "../src/triage/settings.ts";
import { materialFor } from "../src/triage/verdict/adjudication/material.ts";
import { answerIn, withAnswer } from "../src/triage/verdict/judge.ts";

const VERSION = "1.10.0";

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
  // Each holds a process, which may take a core and two gigabytes.
  concurrency: 2,
  async run(payload, context) {
    const startedAt = performance.now();
    const { signal, logger } = context;
    const { repositories, analysis: limits } = triageSettings();
    const decision = answerIn(context.decision);
    const rules = { handler: "consumer_triage", version: VERSION, decision };

    context.progress(0, "finding the change and the consumer");
    const knowledge = contextAccess();
    const asking =
      knowledge === null ? null : architectureContext(payload.source_repo, knowledge, context);
    const surroundings = { repositories, workingDirectory: process.cwd(), signal, logger };
    await using prepared = await prepare(payload, surroundings);
    const { subject } = prepared;

    const analyse = async (): Promise<Ruled> => {
      const work = await prepared.read();
      const found = await analyzeWork(work, {
        signal,
        limitMs: {
          types: limits.timeoutMs,
          names: Math.floor(limits.timeoutMs / 2),
          service: limits.timeoutMs,
        },
        heapMib: limits.memoryMib,
        onProgress: ({ percent, step }) => context.progress(percent, step),
      });
      const analysis = withAnswer(found, decision);
      const judged = { ...subject, setup: work.setup };
      const result = consumerResult(judged, analysis, { ...rules, durationMs: 0 });
      return {
        result,
        question: openQuestion(judged, analysis),
        material: () => materialFor(result, excerptSources(work)),
      };
    };
    const known = await asking;
    const about = { ...rules, keyInputs: subject.keyInputs, context: known, startedAt, analyse };
    const result = await reachVerdict(about, context);

    const told = { thresholds: await readThresholds(context), cloneBase: repositories.cloneBase };
    for (const effect of verdictEffects(result, payload, told)) context.effects.add(effect);
    return result;
  },
});
