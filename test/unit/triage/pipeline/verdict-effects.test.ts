import { expect, test } from "vitest";
import { EFFECT_LIMITS } from "../../../../src/model/effect.ts";
import { issueNoticeSchema, noticeSchema } from "../../../../src/triage/effects/notice.ts";
import type { TriageResult } from "../../../../src/triage/facts/result.ts";
import { verdictEffects } from "../../../../src/triage/pipeline/verdict-effects.ts";
import {
  DEFAULT_THRESHOLDS,
  thresholdsOf,
} from "../../../../src/triage/relationships/notification-settings.ts";
import { EffectList } from "../../../../src/worker/handler-context.ts";

const FINDING: TriageResult["evidence"]["findings"][number] = {
  id: "f",
  rule: "pkg.version",
  trigger: "api_contract",
  breaking: "no",
  subject: "s",
  before: null,
  after: null,
  replacement: null,
  provider: null,
  usage: "none",
  hits: [],
};

const PAYLOAD = {
  source_repo: "acme/payments",
  target_repo: "acme/shop",
  change_event: { commit_sha: "abc1234", commit_message: "break it" },
  relationship_config: { relationship_type: "api_consumer" },
};

function result(
  given: Partial<TriageResult>,
  findings: TriageResult["evidence"]["findings"] = [FINDING],
): TriageResult {
  return {
    requires_action: true,
    urgency: "high",
    impact_summary: "it breaks",
    affected_files: ["a.ts"],
    recommended_changes: "1. mend it",
    confidence: 0.9,
    reasoning: "because",
    architecture_context: "",
    schema_version: 1,
    analyzer: { handler: "consumer_triage", version: "1" },
    evidence: {
      mode: "git",
      source: { repo: "acme/payments", base_sha: "0", head_sha: "head" },
      target: { repo: "acme/shop", sha: "1" },
      usage: "confirmed",
      exposure: { range: null, resolved: null, new: "", satisfies: null },
      findings,
      diagnostics: [],
      files: [],
      truncated: false,
      degraded: [],
      caps_hit: [],
    },
    artifacts: [],
    cache: { hit: false, key: "k" },
    duration_ms: 1,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
    ...given,
  };
}

test.for([
  [
    "critical",
    ["github_issue", "webhook", "context_sink"],
    ["dependency", "urgent", "breaking-change"],
  ],
  ["high", ["github_issue", "webhook", "context_sink"], ["dependency", "important"]],
  ["medium", ["github_issue", "context_sink"], ["dependency", "enhancement"]],
  ["low", ["digest"], ["dependency", "info"]],
] as const)("urgency %s asks for %j", ([urgency, kinds, labels]) => {
  const effects = verdictEffects(result({ urgency }), PAYLOAD);

  expect(effects.map(({ kind }) => kind)).toEqual(kinds);
  expect(effects.map(({ payload }) => payload["labels"])).toEqual(kinds.map(() => labels));
});

test("a verdict that asks for nothing is a line in the digest, or nothing at all", () => {
  const low = { requires_action: false, urgency: "low" } as const;

  expect(verdictEffects(result(low), PAYLOAD).map(({ kind }) => kind)).toEqual(["digest"]);
  expect(verdictEffects(result(low, []), PAYLOAD)).toEqual([]);
  expect(verdictEffects(result({ requires_action: false, urgency: "high" }), PAYLOAD)).toEqual([]);
});

test("the same change has the same keys, another one others", () => {
  const keysOf = (given: object) =>
    verdictEffects(result({ duration_ms: 9, confidence: 0.1 }), { ...PAYLOAD, ...given }).map(
      ({ key }) => key,
    );
  const keys = keysOf({});

  expect(new Set(keys).size).toBe(3);
  expect(keysOf({ change_event: { ...PAYLOAD.change_event, commit_message: "x" } })).toEqual(keys);
  for (const other of [
    { target_repo: "acme/app" },
    { source_repo: "acme/other" },
    { change_event: { commit_sha: "def5678" } },
    { relationship_config: { relationship_type: "template_fork" } },
  ]) {
    expect(keysOf(other).filter((key) => keys.includes(key))).toEqual([]);
  }
});

test("two packages that one commit publishes have effects of their own", () => {
  const keys = keysOfRelease("npm:@acme/a@2.0.0");

  expect(keysOfRelease("npm:@acme/a@2.0.0")).toEqual(keys);
  expect(keysOfRelease("npm:@acme/b@2.0.0").filter((key) => keys.includes(key))).toEqual([]);
});

function keysOfRelease(head_sha: string): string[] {
  const { evidence } = result({});
  const source = { ...evidence.source, head_sha };
  const npm = result({ evidence: { ...evidence, mode: "npm", source } });
  return verdictEffects(npm, PAYLOAD).map(({ key }) => key);
}

test("the largest verdict makes effects that the outbox takes", () => {
  const long = "\u{1F600}".repeat(100_000);
  const list = new EffectList();

  const effects = verdictEffects(
    result({
      urgency: "critical",
      impact_summary: `x${long}`,
      recommended_changes: `x${long}`,
      reasoning: `x${long}`,
      affected_files: Array(500).fill(`x${long}`),
    }),
    { ...PAYLOAD, change_event: { commit_sha: "abc1234", commit_message: `x${long}` } },
  );

  for (const effect of effects) {
    list.add(effect);
    expect(issueNoticeSchema.parse(effect.payload)).toEqual(noticeSchema.parse(effect.payload));
  }
  expect(Buffer.byteLength(list.members.join())).toBeLessThan(EFFECT_LIMITS.bytesMax);
});

test.for([
  ["critical", { action: "add_to_digest" }, ["digest", "webhook", "context_sink"]],
  ["critical", { notify_webhook: false }, ["github_issue", "context_sink"]],
  ["medium", { notify_webhook: true }, ["github_issue", "webhook", "context_sink"]],
  ["low", { action: "create_issue" }, ["github_issue"]],
  [
    "low",
    { action: "create_issue_immediately", notify_webhook: true },
    ["github_issue", "webhook"],
  ],
  ["low", { notify_webhook: true }, ["digest", "webhook"]],
  ["low", null, ["digest"]],
] as const)("settings of urgency %s that say %j ask for %j", ([urgency, threshold, kinds]) => {
  const labels = ["ours", "a label"];
  const settings = {
    default_urgency_thresholds: { [urgency]: threshold && { ...threshold, labels } },
  };

  const effects = verdictEffects(result({ urgency }), PAYLOAD, {
    thresholds: thresholdsOf(settings),
  });

  expect(effects.map(({ kind }) => kind)).toEqual(kinds);
  const told = threshold === null ? ["dependency", "info"] : labels;
  expect(effects.map(({ payload }) => payload["labels"])).toEqual(kinds.map(() => told));
});

test.for([null, undefined, {}, [], "x", { default_urgency_thresholds: 1 }])(
  "settings %j that say nothing leave the defaults",
  (settings) => {
    expect(thresholdsOf(settings)).toEqual(DEFAULT_THRESHOLDS);
  },
);

test("a verdict that asks for nothing opens no issue, whatever low urgency leads to", () => {
  const thresholds = thresholdsOf({
    default_urgency_thresholds: { low: { action: "create_issue", notify_webhook: true } },
  });
  const low = { requires_action: false, urgency: "low" } as const;

  expect(verdictEffects(result(low), PAYLOAD, { thresholds }).map(({ kind }) => kind)).toEqual([
    "digest",
  ]);
});
