import { type Judge, type KeyInputs, verdictKey } from "../facts/cache-key.ts";
import { TEMPLATE_LIMITS } from "../facts/limits.ts";
import { resultOfRules, type TriageResult } from "../facts/result.ts";
import { applies, needsHand, type SyncedFile, type SyncFacts } from "../template/sync-facts.ts";
import type { DecisionAnswer } from "../verdict/judge.ts";
import { syncVerdict } from "../verdict/template-judge.ts";
import {
  syncChanges,
  syncReasoning,
  syncSummary,
  type TemplateCase,
} from "../verdict/template-words.ts";

type TemplateRun = {
  readonly handler: string;
  readonly version: string;
  readonly durationMs: number;
  readonly decision: DecisionAnswer | null;
  /** Where git gets the template from; null where only the worker knows it. @default null */
  readonly fetchFrom?: string | null;
};

type Judged = { readonly about: TemplateCase; readonly result: TriageResult };

/** The result of `template_triage`, from the facts. */
export function templateResult(
  mode: "git" | "payload",
  keyInputs: KeyInputs,
  facts: SyncFacts,
  run: TemplateRun,
): Judged {
  const bounded = withinEvidence(facts);
  const about: TemplateCase = {
    source: keyInputs.sourceRepo,
    target: keyInputs.targetRepo,
    baseSha: keyInputs.baseSha,
    fetchFrom: run.fetchFrom ?? null,
    headSha: keyInputs.headSha,
    targetSha: keyInputs.targetSha,
    facts: bounded,
    // Of all files: what is not told counts as well.
    verdict: syncVerdict({ ...facts, capsHit: bounded.capsHit }, run.decision),
  };
  const { verdict } = about;
  const judge: Judge = { ...run, adjudicator: "none" };
  const result = resultOfRules({
    requires_action: verdict.requiresAction,
    urgency: verdict.urgency,
    impact_summary: syncSummary(about),
    affected_files: verdict.requiresAction ? affectedFiles(bounded.files) : [],
    recommended_changes: syncChanges(about),
    confidence: verdict.confidence,
    reasoning: syncReasoning(about),
    analyzer: { handler: run.handler, version: run.version },
    evidence: evidenceOf(mode, keyInputs, bounded),
    artifacts: artifactsOf(bounded),
    cacheKey: verdictKey(keyInputs, judge),
    duration_ms: run.durationMs,
  });
  return { about, result };
}

function affectedFiles(files: readonly SyncedFile[]): string[] {
  const open = files.filter((file) => applies(file) || needsHand(file));
  return [...new Set(open.map(({ path }) => path))].toSorted();
}

/** What a person has to look at stays, where not all files can be told. */
function withinEvidence(facts: SyncFacts): SyncFacts {
  const { evidenceFilesMax } = TEMPLATE_LIMITS;
  if (facts.files.length <= evidenceFilesMax) return facts;
  const kept = facts.files
    .toSorted((left, right) => rank(left) - rank(right) || (left.path < right.path ? -1 : 1))
    .slice(0, evidenceFilesMax);
  return {
    ...facts,
    files: kept.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    capsHit: [...facts.capsHit, "evidence_files"].toSorted(),
  };
}

function rank(file: SyncedFile): number {
  if (!needsHand(file) && !applies(file)) return file.intent === "security" ? 3 : 4;
  return file.intent === "security" ? 0 : needsHand(file) ? 1 : 2;
}

function evidenceOf(
  mode: "git" | "payload",
  keyInputs: KeyInputs,
  facts: SyncFacts,
): TriageResult["evidence"] {
  return {
    mode,
    source: {
      repo: keyInputs.sourceRepo,
      base_sha: keyInputs.baseSha,
      head_sha: keyInputs.headSha,
    },
    target: { repo: keyInputs.targetRepo, sha: keyInputs.targetSha },
    usage: keyInputs.targetSha === "" ? "unknown" : "confirmed",
    exposure: null,
    findings: [],
    diagnostics: [],
    files: facts.files.map(fileEvidence),
    ancestry: {
      merge_base: facts.mergeBase,
      behind: facts.behind,
      ported: [...facts.ported],
      own_changes:
        facts.ownChanges === null
          ? null
          : {
              base_sha: facts.ownChanges.baseSha,
              head_sha: facts.ownChanges.headSha,
              message: facts.ownChanges.message,
              commits: facts.ownChanges.commits,
              paths: [...facts.ownChanges.paths],
            },
    },
    truncated: facts.truncated,
    degraded: [...facts.degraded],
    caps_hit: [...facts.capsHit],
  };
}

function fileEvidence(file: SyncedFile) {
  return {
    path: file.path,
    template_path: file.templatePath,
    disposition: file.disposition,
    concern: file.concern,
    intent: file.intent,
    changes: file.changes,
    hunks: file.hunks,
    ...(file.isPartial ? { partial: true } : {}),
    ...(file.rejects === null ? {} : { rejects: file.rejects }),
    ...(file.since === null ? {} : { since: file.since }),
  };
}

function artifactsOf({ patch }: SyncFacts): TriageResult["artifacts"] {
  return patch === null ? [] : [{ name: "sync.patch", media_type: "text/x-diff", ...patch }];
}
