import { createHash } from "node:crypto";
import type { Analysis } from "./analysis.ts";
import { cacheKey, canonicalJson } from "./cache-key.ts";
import type { NpmPayload } from "./npm-request.ts";
import type { TriageResult } from "./result.ts";
import { type Verdict, verdictOn } from "./verdict/verdict.ts";
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

/** The result of `consumer_triage`, from its payload and the facts. */
export function consumerResult(payload: NpmPayload, analysis: Analysis, run: Run): TriageResult {
  const verdict = verdictOn(analysis, payload.relationship_config.urgency_mapping);
  const about = caseOf(payload, analysis, verdict);
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
    evidence: evidenceOf(payload, analysis),
    artifacts: [],
    cache: { hit: false, key: keyOf(payload, analysis, run) },
    duration_ms: run.durationMs,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
  };
}

function caseOf(payload: NpmPayload, analysis: Analysis, verdict: Verdict): Case {
  const { name, from, to } = payload.change_event.package;
  return { packageName: name, from, to, target: payload.target_repo, analysis, verdict };
}

function affectedFiles(about: Case): string[] {
  const places = [...actionable(about).flatMap(({ hits }) => hits), ...about.analysis.diagnostics];
  return [...new Set(places.map(({ path }) => path))].toSorted();
}

function evidenceOf(payload: NpmPayload, analysis: Analysis): TriageResult["evidence"] {
  return {
    mode: "npm",
    source: { repo: payload.source_repo, ...revisionsOf(payload) },
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
    truncated: false,
    degraded: [...analysis.degraded],
    caps_hit: [...analysis.capsHit],
  };
}

/** A published version never changes, so that its name stands for its content. */
function revisionsOf({ change_event }: NpmPayload): { base_sha: string; head_sha: string } {
  const { name, from, to } = change_event.package;
  return { base_sha: `npm:${name}@${from}`, head_sha: `npm:${name}@${to}` };
}

function keyOf(payload: NpmPayload, analysis: Analysis, run: Run): string {
  const config = payload.relationship_config;
  return cacheKey({
    v: 1,
    handler: run.handler,
    version: run.version,
    source_repo: payload.source_repo,
    ...revisionsOf(payload),
    target_repo: payload.target_repo,
    target_sha: analysis.targetSha,
    relationship_type: config.relationship_type,
    config_hash: createHash("sha256").update(canonicalJson(config)).digest("hex"),
    adjudicator: "none",
    decision: run.decision,
  });
}
