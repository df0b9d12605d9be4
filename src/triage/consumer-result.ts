import type { Analysis } from "./analysis.ts";
import type { ChangedSource } from "./changed-source.ts";
import { type KeyInputs, verdictKey } from "./key-inputs.ts";
import type { ConsumerTriagePayload } from "./payload.ts";
import type { TriageResult } from "./result.ts";
import { verdictOn } from "./verdict/verdict.ts";
import {
  actionable,
  type Case,
  impactSummary,
  reasoning,
  recommendedChanges,
} from "./verdict/words.ts";

/** Which rules judged, how long they took, and what a person had decided before. */
export type Run = {
  readonly handler: string;
  readonly version: string;
  readonly durationMs: number;
  readonly decision: string | null;
};

/** What a result is about: the payload, what changed, and what decides the verdict. */
export type Asked = {
  readonly payload: ConsumerTriagePayload;
  readonly source: ChangedSource;
  readonly keyInputs: KeyInputs;
};

/** The result of `consumer_triage`, from its payload and the facts. */
export function consumerResult(asked: Asked, analysis: Analysis, run: Run): TriageResult {
  const { payload, source, keyInputs } = asked;
  const verdict = verdictOn(analysis, payload.relationship_config.urgency_mapping);
  const about: Case = { source, target: payload.target_repo, analysis, verdict };
  return {
    requires_action: verdict.requiresAction,
    urgency: verdict.urgency,
    impact_summary: impactSummary(about),
    affected_files: verdict.requiresAction ? affectedFiles(about) : [],
    recommended_changes: recommendedChanges(about),
    confidence: verdict.confidence,
    reasoning: reasoning(about),
    architecture_context: "",
    schema_version: 1,
    analyzer: { handler: run.handler, version: run.version },
    evidence: evidenceOf(asked, analysis),
    artifacts: [],
    cache: { hit: false, key: verdictKey(keyInputs, { ...run, adjudicator: "none" }) },
    duration_ms: run.durationMs,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
  };
}

function affectedFiles(about: Case): string[] {
  const places = [...actionable(about).flatMap(({ hits }) => hits), ...about.analysis.diagnostics];
  return [...new Set(places.map(({ path }) => path))].toSorted();
}

function evidenceOf({ payload, source }: Asked, analysis: Analysis): TriageResult["evidence"] {
  return {
    mode: source.mode,
    source: { repo: payload.source_repo, base_sha: source.baseSha, head_sha: source.headSha },
    target: { repo: payload.target_repo, sha: analysis.targetSha },
    usage: analysis.usage,
    exposure: analysis.exposure,
    findings: analysis.hits.map(({ finding, usage, hits }) => ({
      ...finding,
      usage,
      hits: [...hits],
    })),
    diagnostics: [...analysis.diagnostics],
    files: [],
    truncated: analysis.truncated,
    degraded: [...analysis.degraded],
    caps_hit: [...analysis.capsHit],
  };
}
