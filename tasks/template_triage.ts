import { defineHandler } from "../src/index.ts";
import { triageResult } from "../src/triage/facts/result.ts";
import { prepareTemplate } from "../src/triage/pipeline/prepare-template.ts";
import { type Ruled, reachVerdict } from "../src/triage/pipeline/reach-verdict.ts";
import { reverseTask } from "../src/triage/pipeline/reverse-task.ts";
import { templateResult } from "../src/triage/pipeline/template-result.ts";
import { verdictEffects } from "../src/triage/pipeline/verdict-effects.ts";
import { readThresholds } from "../src/triage/relationships/notification-settings.ts";
import { triageSettings } from "../src/triage/settings.ts";
import { templateTriagePayload } from "../src/triage/template/payload.ts";
import { NO_MATERIAL } from "../src/triage/verdict/adjudication/material.ts";
import { answerIn } from "../src/triage/verdict/judge.ts";
import { syncQuestion } from "../src/triage/verdict/template-words.ts";

const VERSION = "1.4.0";

/**
 * Should a derivative take a change of its template, and does it merge? It merges each changed
 * file with the derivative's, and gives what fits as one patch that is proven to apply.
 */
export default defineHandler({
  payload: templateTriagePayload,
  result: triageResult,
  // The relationship goes on to the task that asks the other way round.
  bigints: true,
  version: VERSION,
  timeout: 600_000,
  // Each runs git on two repositories.
  concurrency: 2,
  async run(payload, context) {
    const startedAt = performance.now();
    const decision = answerIn(context.decision);
    const rules = { handler: "template_triage", version: VERSION, decision };
    const { repositories } = triageSettings();
    await using prepared = await prepareTemplate(payload, {
      repositories,
      workingDirectory: process.cwd(),
      signal: context.signal,
      logger: context.logger,
    });
    const { mode, keyInputs, fetchFrom } = prepared;

    const analyse = async (): Promise<Ruled> => {
      const facts = await prepared.read(({ percent, step }) => context.progress(percent, step));
      const run = { ...rules, durationMs: 0, fetchFrom };
      const { about, result } = templateResult(mode, keyInputs, facts, run);
      const asks = about.verdict.grey && payload.relationship_config.on_uncertain === "ask";
      // Hunks in conflict are in the result itself.
      return { result, question: asks ? syncQuestion(about) : null, material: () => NO_MATERIAL };
    };
    const result = await reachVerdict({ ...rules, keyInputs, startedAt, analyse }, context);

    const reverse = reverseTask(result, payload, context.task);
    if (reverse !== null) await context.enqueue([reverse]);
    const known = { thresholds: await readThresholds(context), cloneBase: repositories.cloneBase };
    for (const effect of verdictEffects(result, payload, known)) context.effects.add(effect);
    return result;
  },
});
