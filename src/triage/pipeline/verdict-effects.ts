import type { Effect, EffectKind } from "../../index.ts";
import { NOTICE_LIMITS, type Notice } from "../effects/notice.ts";
import { cacheKey } from "../facts/cache-key.ts";
import type { TriageResult } from "../facts/result.ts";
import {
  DEFAULT_THRESHOLDS,
  type Threshold,
  type Thresholds,
} from "../relationships/notification-settings.ts";

/** What of a triage task's payload its effects need. */
type Triaged = {
  readonly source_repo: string;
  readonly target_repo: string;
  readonly change_event: {
    readonly commit_sha?: string | undefined;
    readonly commit_message?: string | undefined;
  };
  readonly relationship_config: { readonly relationship_type: string };
};

/**
 * The effects of a verdict, as the settings have it for its urgency. One that asks for nothing
 * has none, but for a line in the digest where the change touched the target's interface at all.
 * The same change, or the same release of a package, gives the same keys, however often it is
 * notified.
 */
export function verdictEffects(
  result: TriageResult,
  payload: Triaged,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): Effect[] {
  const threshold = thresholds[result.urgency];
  const kinds = kindsFor(result, threshold);
  const about = noticeOf(result, payload, threshold.labels);
  const { mode, source } = result.evidence;
  const release = mode === "npm" ? source.head_sha : null;
  return kinds.map((kind) => ({ kind, key: keyOf(kind, about, release), payload: about }));
}

function kindsFor(
  { requires_action, urgency, evidence }: TriageResult,
  { action, notify_webhook }: Threshold,
): EffectKind[] {
  if (!requires_action) {
    return urgency === "low" && evidence.findings.length > 0 ? ["digest"] : [];
  }
  return [
    action === "add_to_digest" ? "digest" : "github_issue",
    ...(notify_webhook ? (["webhook"] as const) : []),
    // What was learned does not depend on who wants to be told.
    ...(urgency === "low" ? [] : (["context_sink"] as const)),
  ];
}

function noticeOf(result: TriageResult, payload: Triaged, labels: readonly string[]): Notice {
  const { lineMax, summaryMax, changesMax, filesMax } = NOTICE_LIMITS;
  const { commit_sha, commit_message } = payload.change_event;
  return {
    target_repo: cut(payload.target_repo, lineMax),
    source_repo: cut(payload.source_repo, lineMax),
    relationship_type: cut(payload.relationship_config.relationship_type, lineMax),
    commit_sha: cut(commit_sha ?? result.evidence.source.head_sha, lineMax),
    commit_message: cut(commit_message ?? "", lineMax),
    urgency: result.urgency,
    confidence: result.confidence,
    impact_summary: cut(result.impact_summary, summaryMax),
    recommended_changes: cut(result.recommended_changes, changesMax),
    reasoning: cut(result.reasoning, summaryMax),
    ...(result.architecture_context === ""
      ? {}
      : { architecture_context: cut(result.architecture_context, summaryMax) }),
    affected_files: result.affected_files.slice(0, filesMax).map((file) => cut(file, lineMax)),
    labels: [...labels],
  };
}

/** Not through the middle of a character, which could not be stored. */
function cut(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).toWellFormed();
}

/** `release`: `npm:name@version`, as one commit may publish several packages; else null. */
function keyOf(kind: EffectKind, about: Notice, release: string | null): string {
  const { target_repo, source_repo, commit_sha, relationship_type } = about;
  return cacheKey({
    kind,
    target_repo,
    source_repo,
    commit_sha,
    relationship_type,
    ...(release === null ? {} : { release }),
  });
}
