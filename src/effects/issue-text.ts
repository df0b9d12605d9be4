import type { Digest, Notice } from "../notice.ts";

/** What GitHub takes, in characters. */
const TITLE_MAX = 256;
const BODY_MAX = 65_536;
/** Of the digest; the others are counted. */
const ENTRIES_MAX = 100;

export type Issue = {
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
};

/** By which an issue is found again, whoever made it. People do not see it. */
export function markerOf(effectKey: string): string {
  return `<!-- triage-key: ${effectKey} -->`;
}

/** Whose verdict an issue tells, and where people look at the commit. */
export type IssueOrigin = {
  readonly effectKey: string;
  readonly taskId: string;
  readonly webUrl: string;
};

/** The issue of one verdict. */
export function issueOf(about: Notice, { effectKey, taskId, webUrl }: IssueOrigin): Issue {
  const isTemplate = about.relationship_type === "template_fork";
  const heading = isTemplate ? "📋 Template Update Available" : "⚠️ Dependency Update Required";
  const body = [
    `\`${inert(about.source_repo)}\` changed, and ${
      isTemplate ? "this repository was made from it" : "this repository depends on it"
    }.`,
    "## Key change",
    inert(about.impact_summary),
    `**Urgency:** ${inert(about.urgency)} · **Confidence:** ${Math.round(about.confidence * 100)} %`,
    "## What to do",
    inert(about.recommended_changes),
    ...(about.affected_files.length === 0
      ? []
      : ["## Affected files", about.affected_files.map(listed).join("\n")]),
    "<details><summary>Technical details</summary>",
    inert(about.reasoning),
    `Commit: ${commitLink(about, webUrl)}`,
    `Whole verdict, while the task is kept: \`triaged show ${taskId}\``,
    ...(isTemplate ? [`Its patch, if there is one: \`${patchCommand(taskId)}\``] : []),
    ...(about.commit_message === "" ? [] : [quoted(about.commit_message)]),
    "</details>",
  ].join("\n\n");
  return {
    title: `${heading}: ${oneLine(about.source_repo)}`.slice(0, TITLE_MAX).toWellFormed(),
    body: withMarker(body, effectKey),
    labels: about.labels,
  };
}

/** The patch itself stays out: the lines of a private template are not for every tracker. */
function patchCommand(taskId: string): string {
  return `triaged show ${taskId} --json | jq -r '.result.artifacts[].content' > sync.patch`;
}

/** The issue of a week of verdicts of low urgency. */
export function digestIssueOf({ entries }: Digest, effectKey: string): Issue {
  const more = entries.length - ENTRIES_MAX;
  const lines = entries
    .slice(0, ENTRIES_MAX)
    .map(
      ({ source_repo, commit_sha, impact_summary }) =>
        `- \`${inert(source_repo)}\` (${inert(commit_sha.slice(0, 12))}): ${oneLine(impact_summary).slice(0, 500).toWellFormed()}`,
    );
  const body = [
    "Changes in what this repository depends on, for your information:",
    lines.join("\n"),
    ...(more > 0 ? [`And ${more} more.`] : []),
  ].join("\n\n");
  return {
    title: "📦 Weekly dependency digest",
    body: withMarker(body, effectKey),
    labels: ["dependency", "info"],
  };
}

/** The marker comes last and must not be what is cut off. */
function withMarker(body: string, effectKey: string): string {
  const marker = `\n\n${markerOf(effectKey)}\n`;
  return body.slice(0, BODY_MAX - marker.length).toWellFormed() + marker;
}

/** Text out of a repository: it must not hide behind a comment, nor forge a marker. */
function inert(text: string): string {
  return text.replaceAll("<!--", "&lt;!--");
}

function oneLine(text: string): string {
  return inert(text).replaceAll(/\s+/g, " ").trim();
}

function listed(file: string): string {
  return `- \`${oneLine(file).replaceAll("`", "'")}\``;
}

/** In a block of code nobody is mentioned by an @. */
function quoted(message: string): string {
  return `\`\`\`text\n${inert(message).replaceAll("```", "'''")}\n\`\`\``;
}

function commitLink({ source_repo, commit_sha }: Notice, webUrl: string): string {
  return /^[\w.-]+\/[\w.-]+$/.test(source_repo) && /^[0-9a-f]{7,64}$/i.test(commit_sha)
    ? `${webUrl}/${source_repo}/commit/${commit_sha}`
    : `\`${oneLine(commit_sha)}\``;
}
