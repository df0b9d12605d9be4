// One case in a process of its own, so that its peak memory is its own: prints an Outcome.
//
//   node test/corpus/run-case.ts test/corpus/cases/NAME [--result]
//
// --result prints the whole result of consumer_triage instead.
import path from "node:path";
import pino from "pino";
import { readConfig } from "../../src/settings/config.ts";
import { type TriageResult, triageResult } from "../../src/triage/facts/result.ts";
import { analyzeWork } from "../../src/triage/pipeline/analyze-work.ts";
import { consumerTriagePayload } from "../../src/triage/pipeline/consumer-payload.ts";
import { consumerResult } from "../../src/triage/pipeline/consumer-result.ts";
import { prepare } from "../../src/triage/pipeline/prepare.ts";
import { type Case, CORPUS, readCase } from "./case.ts";
import { classOf } from "./class.ts";
import type { Outcome } from "./outcome.ts";

const [folder = "", flag] = process.argv.slice(2);
const result = await triage(readCase(path.resolve(folder)));
const { user, system } = process.cpuUsage();
const outcome: Outcome = {
  got: classOf(result),
  urgency: result.urgency,
  confidence: result.confidence,
  seconds: result.duration_ms / 1_000,
  cpuSeconds: (user + system) / 1_000_000,
  peakMib: Math.round(process.resourceUsage().maxRSS / 1_024),
  degraded: result.evidence.degraded,
  capsHit: result.evidence.caps_hit,
  summary: result.impact_summary,
};
process.stdout.write(`${JSON.stringify(flag === "--result" ? result : outcome, null, 2)}\n`);

/** What the handler of consumer_triage does with a payload in npm mode. */
async function triage(one: Case): Promise<TriageResult> {
  const startedAt = performance.now();
  const payload = consumerTriagePayload.parse({
    source_repo: `npm/${one.package}`,
    target_repo: `corpus/${one.name}`,
    change_event: { package: { name: one.package, from: one.from, to: one.to } },
    relationship_config: { path: one.folder },
  });
  const { signal } = new AbortController();
  await using prepared = await prepare(payload, {
    repositories: readConfig().repositories,
    workingDirectory: CORPUS,
    signal,
    logger: pino({ level: "silent" }),
  });
  const analysis = await analyzeWork(await prepared.read(), { signal });
  const durationMs = Math.round(performance.now() - startedAt);
  const run = { handler: "consumer_triage", version: "corpus", durationMs, decision: null };
  return triageResult.parse(consumerResult(prepared.subject, analysis, run));
}
