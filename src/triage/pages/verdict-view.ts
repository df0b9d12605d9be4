/** A verdict as a person reads it: what breaks, where, why we believe it, and what to do. */
import { z } from "zod";
import { counted, diffView, type Html, html, shownLine, shownText } from "../../index.ts";
import type { Proof, Urgency, Usage } from "../facts/finding.ts";
import { type TriageResult, triageResult } from "../facts/result.ts";

/** Findings, errors and files that are open at once; the rest is folded, then counted. */
const LISTED_MAX = 50;
/** Places of one finding. */
const PLACES_MAX = 20;

/** Counts of tokens are not shown, and may be covered for their name. */
const shownResult = triageResult.extend({
  adjudication: triageResult.shape.adjudication.omit({ input_tokens: true, output_tokens: true }),
});
type ShownResult = z.output<typeof shownResult>;

type Evidence = TriageResult["evidence"];
type ShownFinding = Evidence["findings"][number];
type Place = { readonly path: string; readonly line: number | null };

/** Null for what is no verdict of triage. */
export function verdictView(result: unknown): Html | null {
  const parsed = shownResult.safeParse(result);
  return parsed.success ? html`${headView(parsed.data)}${bodyView(parsed.data)}` : null;
}

const URGENCY_WORDS: Readonly<Record<Urgency, string>> = {
  critical: "critical: it is used for certain, and fails at once",
  high: "high: it breaks soon",
  medium: "medium: worth doing, nothing breaks for certain",
  low: "low: for your information",
};

function headView(verdict: ShownResult): Html {
  const { requires_action: acts, urgency, evidence } = verdict;
  return html`<div class="verdict-head ${acts ? urgency : "none"}">
    <p class="verdict-word"><strong>${acts ? "Action is needed" : "No action is needed"}</strong></p>
    <p>${codeIn(verdict.impact_summary)}</p>
    <dl class="facts">
      <div><dt>Urgency</dt><dd>${URGENCY_WORDS[urgency]}</dd></div>
      <div><dt>Confidence</dt><dd>${Math.round(verdict.confidence * 100)} %: ${beliefIn(evidence)}</dd></div>
      <div><dt>Change</dt><dd>${shownLine(evidence.source.repo)}
        <code>${shownLine(shortSha(evidence.source.base_sha))}</code> →
        <code>${shownLine(shortSha(evidence.source.head_sha))}</code></dd></div>
      <div><dt>Seen from</dt><dd>${shownLine(evidence.target.repo)}
        <code>${shownLine(shortSha(evidence.target.sha))}</code></dd></div>
      ${exposureView(evidence.exposure)}
    </dl>
  </div>`;
}

/** A commit in short; tags and versions as they are. */
function shortSha(sha: string): string {
  return /^[0-9a-f]{40}/.test(sha) ? sha.slice(0, 10) : sha === "" ? "unknown" : sha;
}

const MODES: Readonly<Record<Evidence["mode"], string>> = {
  git: "both repositories were read",
  npm: "the published packages were read",
  payload: "only the diffs of the notification were read",
};
const USES: Readonly<Record<Usage, string>> = {
  confirmed: "its use is seen in the code",
  likely: "its use is likely, not seen",
  none: "no use was found",
  unknown: "whether it is used is unknown",
};

function beliefIn({ mode, usage }: Pick<Evidence, "mode" | "usage">): string {
  return `${MODES[mode]}, and ${USES[usage]}`;
}

function exposureView(exposure: Evidence["exposure"]): Html | false {
  if (exposure === null) return false;
  const { range, resolved, satisfies } = exposure;
  const taken =
    satisfies === null
      ? "whether its range takes that is unknown"
      : satisfies
        ? "its range takes that: the next install may bring it"
        : "its range does not take that: it breaks on an upgrade, not on the next install";
  return html`<div><dt>Version</dt><dd>declares ${shownLine(range ?? "no range")}, has
    ${shownLine(resolved ?? "an unknown version")}, new is ${shownLine(exposure.new)}; ${taken}</dd></div>`;
}

function bodyView(verdict: ShownResult): Html {
  const { evidence } = verdict;
  return html`${findingsView(evidence)}${errorsView(evidence.diagnostics)}${filesView(evidence.files)}
    <h3>What to do</h3>
    <div class="prose">${proseView(verdict.recommended_changes) || "Nothing."}</div>
    ${patchesView(verdict.artifacts)}
    <h3>Why</h3>
    <div class="prose">${proseView(verdict.reasoning)}</div>
    ${adjudicationView(verdict)}
    ${unseenView(evidence)}`;
}

const BREAKS: Readonly<Record<ShownFinding["breaking"], string>> = {
  yes: "breaks",
  maybe: "may break",
  no: "does not break",
};
const PROVEN: Readonly<Record<Proof["by"], string>> = {
  compiler: "The compiler shows it",
  node: "By Node's own rules",
  declarations: "By what both versions declare",
  service: "By the service's own files",
};

const isMet = (one: ShownFinding) => one.breaking !== "no" && one.usage !== "none";

/** First what this repository meets, then, folded, what it does not. */
function findingsView({ findings }: Evidence): Html | false {
  const met = findings.filter(isMet);
  const others = findings.filter((one) => !isMet(one));
  return (
    findings.length > 0 &&
    html`<h3>What breaks, and where</h3>
      ${met.length === 0 && html`<p>Nothing that this repository uses.</p>`}
      ${listOf(met, findingView)}
      ${
        others.length > 0 &&
        html`<details><summary>${counted(others.length, "other difference")} that it does not meet</summary>
          ${listOf(others, findingView)}</details>`
      }`
  );
}

function findingView(finding: ShownFinding): Html {
  const { subject, before, after, replacement, proof, hits, provider, own, notes } = finding;
  return html`<li class="finding ${finding.breaking}">
    <p><code>${shownLine(subject)}</code> <strong>${BREAKS[finding.breaking]}</strong>
      <span class="quiet">${shownLine(finding.rule)}, ${shownLine(finding.trigger.replaceAll("_", " "))}; ${USES[finding.usage]}</span></p>
    ${
      (before !== null || after !== null) &&
      html`<p class="change">${before === null ? "added" : html`<del>${shownLine(before)}</del>`} →
        ${after === null ? "removed" : html`<ins>${shownLine(after)}</ins>`}</p>`
    }
    ${replacement !== null && html`<p>Use <code>${shownLine(replacement)}</code> in its place.</p>`}
    ${hits.length > 0 && html`<p>Used at ${placesView(hits)}</p>`}
    ${provider !== null && html`<p class="quiet">In the source: ${placesView([provider])}</p>`}
    ${proof !== null && proof !== undefined && html`<p>${PROVEN[proof.by]}: ${shownLine(proof.text, 1000)}</p>`}
    ${typeof own === "string" && html`<p>Here: <code>${shownLine(own)}</code></p>`}
    ${typeof notes === "string" && html`<p>The release says: ${shownLine(notes, 1000)}</p>`}
  </li>`;
}

function placesView(places: readonly Place[]): Html {
  const shown = places.slice(0, PLACES_MAX);
  return html`${shown.map(
    ({ path, line }, at) =>
      html`${at > 0 && ", "}<code>${shownLine(path)}${line !== null && `:${line}`}</code>`,
  )}${places.length > shown.length && ` and ${places.length - shown.length} more`}`;
}

function errorsView(errors: Evidence["diagnostics"]): Html | false {
  return (
    errors.length > 0 &&
    html`<h3>New errors of the compiler</h3>${listOf(
      errors,
      (error) =>
        html`<li><code>${shownLine(error.path)}:${error.line}</code> ${shownLine(error.code)}:
          ${shownLine(error.message, 1000)}</li>`,
    )}`
  );
}

const SyncedFile = z.looseObject({
  path: z.string(),
  disposition: z.string(),
  concern: z.string().nullish(),
  intent: z.string().nullish(),
  changes: z.array(z.string()).default([]),
  rejects: z.string().nullish(),
});

const DISPOSITION_WORDS: Readonly<Record<string, string>> = {
  already_present: "has the change",
  fast_forward: "can be taken as it is",
  merges_cleanly: "merges without a conflict",
  conflicts: "conflicts with changes of its own",
  missing: "is not there",
  deleted: "was deleted by the template, and changed here",
  skipped_divergent: "is left alone: it goes its own way here",
  skipped_strategy: "is left alone: the strategy does not take it",
  binary: "is no text, and changed on both sides",
  too_large: "is too large to be merged",
  generated: "is generated again",
  unknown: "could not be seen",
};

/** Of a template and its derivative: what becomes of each file. */
function filesView(files: readonly unknown[]): Html | false {
  const known = files.flatMap((file) => SyncedFile.safeParse(file).data ?? []);
  return (
    known.length > 0 &&
    html`<h3>Files</h3>${listOf(
      known,
      (file) =>
        html`<li><code>${shownLine(file.path)}</code> ${DISPOSITION_WORDS[file.disposition] ?? shownLine(file.disposition)}
          ${typeof file.concern === "string" && html`<span class="quiet">${shownLine(file.concern.replaceAll("_", " "))}</span>`}
          ${file.changes.length > 0 && html`<ul>${file.changes.slice(0, PLACES_MAX).map((change) => html`<li>${shownLine(change)}</li>`)}</ul>`}
          ${typeof file.rejects === "string" && diffView(file.rejects, `What does not fit of ${file.path}`)}</li>`,
    )}`
  );
}

const Patch = z.looseObject({ name: z.string(), media_type: z.string(), content: z.string() });

function patchesView(artifacts: readonly unknown[]): Html[] {
  return artifacts.flatMap((artifact) => {
    const patch = Patch.safeParse(artifact).data;
    return patch === undefined
      ? []
      : [html`<h3>${shownLine(patch.name)}</h3>${diffView(patch.content, patch.name)}`];
  });
}

function adjudicationView({ adjudication, cache }: ShownResult): Html {
  const { used, model, changed, error } = adjudication;
  return html`${
    used &&
    html`<p class="quiet">The model ${shownLine(model ?? "")} was asked about what the rules left open${
      changed.length > 0 && html`, and changed ${shownLine(changed.join(", "))}`
    }.</p>`
  }${error !== undefined && html`<p class="quiet">The model was of no help: ${shownLine(error)}</p>`}${
    cache.hit && html`<p class="quiet">The verdict was known already, from another task.</p>`
  }`;
}

/** What a reader would wrongly take for looked at. */
function unseenView({ degraded, caps_hit: caps, truncated, mode }: Evidence): Html {
  const lines = [
    ...(mode === "payload"
      ? ["The repositories could not be read: the diffs of the notification had to do."]
      : []),
    ...(truncated ? ["A diff was cut off before it came here."] : []),
    ...caps.map((cap) => `More than the limit “${cap.replaceAll("_", " ")}” allows was left out.`),
    ...degraded,
  ];
  return html`<h3>What was not looked at</h3>${
    lines.length === 0
      ? html`<p>Nothing was left out.</p>`
      : listOf(lines, (line) => html`<li>${shownLine(line, 1000)}</li>`)
  }`;
}

/** The first of a list, the rest folded. */
function listOf<Item>(items: readonly Item[], viewOf: (item: Item) => Html): Html | false {
  const rest = items.slice(LISTED_MAX);
  const folded = rest.slice(0, LISTED_MAX * 4);
  return (
    items.length > 0 &&
    html`<ul class="plain">${items.slice(0, LISTED_MAX).map(viewOf)}</ul>${
      rest.length > 0 &&
      html`<details><summary>${rest.length} more</summary><ul class="plain">${folded.map(viewOf)}</ul>${
        folded.length < rest.length &&
        html`<p class="cut">… and ${rest.length - folded.length} more in the result</p>`
      }</details>`
    }`
  );
}

/** Text of ours, in which code stands in backticks: its paragraphs and lines. */
function proseView(text: string): Html | false {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return (
    lines.length > 0 &&
    html`${lines.slice(0, LISTED_MAX * 4).map((line) => html`<p>${codeIn(line)}</p>`)}`
  );
}

function codeIn(line: string): Html[] {
  const parts = line.split("`");
  const isPaired = parts.length % 2 === 1;
  return parts.map((part, at) =>
    isPaired && at % 2 === 1 ? html`<code>${shownText(part)}</code>` : shownText(part),
  );
}
