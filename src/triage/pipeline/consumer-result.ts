import type { Analysis } from "../facts/analysis.ts";
import { type KeyInputs, verdictKey } from "../facts/cache-key.ts";
import type { ChangedSource } from "../facts/change-set.ts";
import { resultOfRules, type TriageResult } from "../facts/result.ts";
import { isUncertain, verdictOn } from "../verdict/judge.ts";
import {
  actionable,
  type ConsumerCase,
  impactSummary,
  reasoning,
  recommendedChanges,
} from "../verdict/words.ts";
import { type ConsumerTriagePayload, isNpmPayload } from "./consumer-payload.ts";
import { type ConsumerSetup, upgradeSteps } from "./upgrade-steps.ts";

/** Which rules judged, how long they took, and what a person had decided before. */
type Run = {
  readonly handler: string;
  readonly version: string;
  readonly durationMs: number;
  readonly decision: string | null;
};

/** What a result is about: the payload, what changed, and what decides the verdict. */
export type TriageSubject = {
  readonly payload: ConsumerTriagePayload;
  readonly source: ChangedSource;
  readonly keyInputs: KeyInputs;
  /** How the consumer upgrades a package; null where it is asked about none. @default null */
  readonly setup?: ConsumerSetup | null;
};

/** The result of `consumer_triage`, from its payload and the facts. */
export function consumerResult(subject: TriageSubject, analysis: Analysis, run: Run): TriageResult {
  const { payload, source, keyInputs } = subject;
  const verdict = verdictOn(analysis, payload.relationship_config.urgency_mapping);
  const seen: ConsumerCase = { source, target: payload.target_repo, analysis, verdict };
  const verify = verifyStep(subject, affectedFiles(seen));
  const about = { ...seen, source: { ...source, verify } };
  return resultOfRules({
    requires_action: verdict.requiresAction,
    urgency: verdict.urgency,
    impact_summary: impactSummary(about),
    affected_files: verdict.requiresAction ? affectedFiles(about) : [],
    recommended_changes: recommendedChanges(about),
    confidence: verdict.confidence,
    reasoning: reasoning(about),
    analyzer: { handler: run.handler, version: run.version },
    evidence: evidenceOf(subject, analysis),
    artifacts: [],
    cacheKey: verdictKey(keyInputs, { ...run, adjudicator: "none" }),
    duration_ms: run.durationMs,
  });
}

/** How people can see for themselves: as the consumer installs and checks, where that is known. */
function verifyStep({ payload, source, setup }: TriageSubject, files: readonly string[]): string {
  return setup == null || !isNpmPayload(payload)
    ? source.verify
    : upgradeSteps(setup, payload.change_event.package, files);
}

function affectedFiles(about: ConsumerCase): string[] {
  const places = [...actionable(about).flatMap(({ hits }) => hits), ...about.analysis.diagnostics];
  return [...new Set(places.map(({ path }) => path))].toSorted();
}

function evidenceOf(
  { payload, source }: TriageSubject,
  analysis: Analysis,
): TriageResult["evidence"] {
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

/** What to ask a person before the verdict counts; null where the relationship asks nobody. */
export function openQuestion(
  { payload, source }: TriageSubject,
  analysis: Analysis,
): string | null {
  const { on_uncertain, urgency_mapping } = payload.relationship_config;
  return on_uncertain === "ask" && verdictOn(analysis, urgency_mapping).grey
    ? questionOn(payload.target_repo, source.name, analysis)
    : null;
}

/** The question that decides an open verdict. */
function questionOn(target: string, packageName: string, analysis: Analysis): string {
  const subjects = analysis.hits
    .filter(({ finding, usage }) => isUncertain(usage) && finding.subject !== packageName)
    .slice(0, SUBJECTS_MAX)
    .map(({ finding }) => `\`${finding.subject}\``);
  const what = subjects.length === 0 ? packageName : `${subjects.join(", ")} of ${packageName}`;
  return `Does ${target} use ${what}? (yes/no/ignore)`;
}

const SUBJECTS_MAX = 3;
