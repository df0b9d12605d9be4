import {
  codeBlock,
  codeSpan,
  exactBlock,
  markdownLine,
  markdownText,
  repositoryName,
} from "./markdown.ts";
import type { Digest, Notice } from "./notice.ts";

/** Of a repository's name; GitHub takes titles of 256 characters. */
const NAME_MAX = 200;
/**
 * Characters of Markdown, each part by itself: with our own words they stay below the 65,536 that
 * GitHub takes. A body that is cut as a whole could end within a piece of code.
 */
const SUMMARY_MAX = 8_000;
const CHANGES_MAX = 24_000;
const REASONING_MAX = 8_000;
const CONTEXT_MAX = 2_000;
const FILES_MAX = 20_000;
/** Of all of it, below the 65,536 that GitHub takes. */
const BODY_MAX = 65_000;
/** Of the digest; the others are counted. */
const ENTRIES_MAX = 100;
const ENTRY_MAX = 400;

export type Issue = {
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
};

/** By which an issue is found again, whoever made it. People do not see it. */
export function markerOf(effectKey: string): string {
  // Handlers choose keys: none ends the comment.
  const key = effectKey.toWellFormed().replaceAll(/[<>]|[^ -~]/gu, encodeURIComponent);
  return `<!-- triage-key: ${key} -->`;
}

/** Whose verdict an issue tells. */
type IssueOrigin = { readonly effectKey: string; readonly taskId: string };

/** The issue of one verdict. Everything of it may be the words of strangers. */
export function issueOf(about: Notice, { effectKey, taskId }: IssueOrigin): Issue {
  const isTemplate = about.relationship_type === "template_fork";
  const heading = isTemplate ? "📋 Template Update Available" : "⚠️ Dependency Update Required";
  const advice = [
    `${nameOf(about)} changed, and ${
      isTemplate ? "this repository was made from it" : "this repository depends on it"
    }.`,
    ...(about.architecture_context === undefined
      ? []
      : ["## Architecture context", markdownText(about.architecture_context, CONTEXT_MAX)]),
    "## Key change",
    markdownText(about.impact_summary, SUMMARY_MAX),
    `**Urgency:** ${markdownLine(about.urgency, NAME_MAX)} · **Confidence:** ${percent(about)}`,
    "## What to do",
    markdownText(about.recommended_changes, CHANGES_MAX),
    ...(about.affected_files.length === 0
      ? []
      : ["## Affected files", listed(about.affected_files).join("\n")]),
  ];
  const details = [
    "<details><summary>Technical details</summary>",
    markdownText(about.reasoning, REASONING_MAX),
    `Commit: ${about.commit_url ?? codeSpan(about.commit_sha)}`,
    `Whole verdict, while the task is kept: \`triaged show ${taskId}\``,
    ...(about.commit_message === "" ? [] : [codeBlock(about.commit_message)]),
    "</details>",
  ];
  const room = BODY_MAX - [...advice, ...details, markerOf(effectKey)].join("\n\n").length;
  const attachments = attached(about.attachments ?? [], { taskId, room });
  const body = [...advice, ...attachments, ...details].join("\n\n");
  return {
    title: `${heading}: ${repositoryName(about.source_repo.slice(0, NAME_MAX))}`,
    body: withMarker(body, effectKey),
    labels: about.labels,
  };
}

type Attachment = NonNullable<Notice["attachments"]>[number];

/**
 * Texts, letter for letter, so that a patch can be taken out of the issue; or where they are, if
 * there is no room for them.
 */
function attached(
  attachments: readonly Attachment[],
  { taskId, room }: { readonly taskId: string; readonly room: number },
): string[] {
  let left = room;
  return attachments.map(({ name, bytes, query, content }) => {
    const language = name.endsWith(".patch") ? "diff" : "text";
    const block =
      content === null ? null : (exactBlock(content, language) ?? encoded(name, content));
    const fits = block !== null && block.length + ATTACHMENT_WORDS <= left;
    const command = `triaged show ${taskId} --json | jq -j '${query}' > ${name}`;
    const shown = fits
      ? block
      : `It has ${bytes} bytes, and is not shown here. While the task is kept: ${codeSpan(command)}`;
    left -= shown.length + ATTACHMENT_WORDS;
    return `## ${codeSpan(name)}\n\n${shown}`;
  });
}

/**
 * A text that an issue would change, such as a patch of files whose lines end as on Windows, as a
 * command that writes it.
 */
function encoded(name: string, content: string): string {
  const lines =
    Buffer.from(content, "utf8")
      .toString("base64")
      .match(/.{1,76}/g) ?? [];
  const command = ["base64 --decode > " + name + " <<'END'", ...lines, "END"].join("\n");
  return `An issue would change letters of it, so that this command writes it:\n\n\`\`\`sh\n${command}\n\`\`\``;
}

/** Characters of what stands around a text, and of what stands in its place. */
const ATTACHMENT_WORDS = 400;

const DIGEST_TITLES: Readonly<Record<string, string>> = {
  daily: "📦 Daily dependency digest",
  weekly: "📦 Weekly dependency digest",
  monthly: "📦 Monthly dependency digest",
};

/** The issue of what waited for the digest. */
export function digestIssueOf(
  { entries, labels = ["dependency", "info"], schedule = "weekly" }: Digest,
  effectKey: string,
): Issue {
  const more = entries.length - ENTRIES_MAX;
  const lines = entries
    .slice(0, ENTRIES_MAX)
    .map(
      (entry) =>
        `- ${nameOf(entry)} (${codeSpan(entry.commit_sha.slice(0, 12))}): ${markdownLine(entry.impact_summary, ENTRY_MAX)}`,
    );
  const body = [
    "Changes in what this repository depends on, for your information:",
    lines.join("\n"),
    ...(more > 0 ? [`And ${more} more.`] : []),
  ].join("\n\n");
  return {
    title: DIGEST_TITLES[schedule] ?? "📦 Dependency digest",
    body: withMarker(body, effectKey),
    labels,
  };
}

function withMarker(body: string, effectKey: string): string {
  return `${body}\n\n${markerOf(effectKey)}\n`;
}

function nameOf({ source_repo }: { source_repo: string }): string {
  return codeSpan(source_repo.slice(0, NAME_MAX)) || "A repository";
}

function percent({ confidence }: Notice): string {
  return `${Math.round(confidence * 100)} %`;
}

/** As many files as there is room for; the others are counted. */
function listed(files: readonly string[]): string[] {
  const lines = files.map((file) => `- ${codeSpan(file)}`);
  let length = 0;
  const kept = lines.filter((line) => (length += line.length + 1) <= FILES_MAX);
  const left = lines.length - kept.length;
  return left === 0 ? kept : [...kept, `- and ${left} more`];
}
