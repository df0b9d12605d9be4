import { z } from "zod";
import type { Effect, EffectKind } from "../../index.ts";
import { commitUrl } from "../effects/commit-url.ts";
import { NOTICE_LIMITS, type Notice } from "../effects/notice.ts";
import { cacheKey } from "../facts/cache-key.ts";
import type { TriageResult } from "../facts/result.ts";
import {
  DEFAULT_THRESHOLDS,
  type Threshold,
  type Thresholds,
} from "../relationships/notification-settings.ts";
import { conflictText } from "../verdict/conflict-text.ts";

/** What of a triage task's payload its effects need. */
type Triaged = {
  readonly source_repo: string;
  readonly target_repo: string;
  readonly change_event: {
    readonly commit_sha?: string | undefined;
    readonly commit_message?: string | undefined;
    readonly repo_url?: string | null | undefined;
  };
  readonly relationship_config: {
    readonly relationship_type: string;
    readonly source_clone_url?: string | null | undefined;
  };
};

/** What the settings say. */
type Settings = {
  /** @default DEFAULT_THRESHOLDS */
  readonly thresholds?: Thresholds;
  /** GITHUB_CLONE_BASE. @default https://github.com */
  readonly cloneBase?: string;
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
  { thresholds = DEFAULT_THRESHOLDS, cloneBase = "https://github.com" }: Settings = {},
): Effect[] {
  const threshold = thresholds[result.urgency];
  const kinds = kindsFor(result, threshold);
  const about = {
    ...noticeOf(result, payload, threshold.labels),
    commit_url: commitPage(result, payload, cloneBase),
  };
  const { mode, source } = result.evidence;
  const release = mode === "npm" ? source.head_sha : null;
  return kinds.map((kind) => {
    // What is shown to nobody but the target's own people.
    const more = kind === "github_issue" ? { attachments: attachmentsOf(result) } : {};
    return { kind, key: keyOf(kind, about, release), payload: { ...about, ...more } };
  });
}

/**
 * The page of the commit: of a registered repository, or of one that was read below
 * GITHUB_CLONE_BASE. An event's own word for where it is makes no link.
 */
function commitPage(
  { evidence }: TriageResult,
  { source_repo, change_event, relationship_config }: Triaged,
  cloneBase: string,
): string | null {
  const cloneUrl = relationship_config.source_clone_url ?? null;
  const isRead = evidence.mode === "git" && change_event.repo_url == null;
  if (cloneUrl === null && !isRead) return null;
  const sha = change_event.commit_sha ?? evidence.source.head_sha;
  const url = commitUrl({ repo: source_repo, sha, cloneUrl, cloneBase });
  return url !== null && url.length <= NOTICE_LIMITS.urlMax ? url : null;
}

/** The patch and what conflicts, as far as an issue has room for them: else where they are. */
function attachmentsOf(result: TriageResult): NonNullable<Notice["attachments"]> {
  const { attachmentMax, attachmentsMax } = NOTICE_LIMITS;
  const texts = result.artifacts.flatMap((artifact, index) => {
    const one = attachment.safeParse(artifact).data;
    if (one === undefined) return [];
    const fits = one.content.length <= attachmentMax;
    const query = `.result.artifacts[${index}].content`;
    return [{ name: one.name, bytes: one.bytes, query, content: fits ? one.content : null }];
  });
  const conflicts = conflictText(result, attachmentMax / 2);
  if (conflicts !== null) {
    const query = ".result.evidence.files[].hunks";
    const bytes = Buffer.byteLength(conflicts);
    texts.push({ name: "conflicts.txt", bytes, query, content: conflicts });
  }
  return texts.slice(0, attachmentsMax);
}

const attachment = z.looseObject({ name: z.string(), bytes: z.int(), content: z.string() });

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
