import { expect, test } from "vitest";
import type { Analysis } from "../../../../src/triage/facts/analysis.ts";
import { configHashOf, type KeyInputs } from "../../../../src/triage/facts/cache-key.ts";
import {
  consumerTriagePayload,
  isNpmPayload,
} from "../../../../src/triage/pipeline/consumer-payload.ts";
import { consumerResult } from "../../../../src/triage/pipeline/consumer-result.ts";
import { packageSource } from "../../../../src/triage/pipeline/prepare.ts";

const ANALYSIS: Analysis = {
  hits: [],
  diagnostics: [],
  usage: "confirmed",
  exposure: { range: "^1.0.0", resolved: "1.1.0", new: "1.1.0", satisfies: true },
  targetSha: "sha256:0",
  isPayloadOnly: false,
  truncated: false,
  degraded: [],
  capsHit: [],
};
const RUN = { handler: "consumer_triage", version: "1", durationMs: 5, decision: null };

function payloadWith(config: object, inputs: Partial<KeyInputs> = {}) {
  const payload = consumerTriagePayload.parse({
    source_repo: "a/b",
    target_repo: "c/d",
    change_event: { package: { name: "p", from: "1.0.0", to: "1.1.0" } },
    relationship_config: config,
  });
  if (!isNpmPayload(payload)) throw new Error("expected a payload in npm mode");
  const keyInputs = {
    sourceRepo: "a/b",
    baseSha: "npm:p@1.0.0",
    headSha: "npm:p@1.1.0",
    targetRepo: "c/d",
    targetSha: "sha256:0",
    relationshipType: "api_consumer",
    configHash: configHashOf(payload.relationship_config),
    payloadHash: null,
    ...inputs,
  };
  return { payload, source: packageSource(payload), keyInputs };
}

test("the cache key is the same for the same inputs, in whatever order", () => {
  const one = consumerResult(payloadWith({ path: "x", description: "y" }), ANALYSIS, RUN);
  const other = consumerResult(payloadWith({ description: "y", path: "x" }), ANALYSIS, {
    ...RUN,
    durationMs: 9,
  });

  expect(one.cache).toEqual({ hit: false, key: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(other.cache).toEqual(one.cache);
});

test.for([
  ["the relationship", payloadWith({ urgency_mapping: { endpoints: "low" } }), RUN],
  ["the consumer", payloadWith({}, { targetSha: "sha256:1" }), RUN],
  ["the change", payloadWith({}, { headSha: "npm:p@1.2.0" }), RUN],
  ["what was there before", payloadWith({}, { baseSha: "npm:p@0.9.0" }), RUN],
  ["the diffs", payloadWith({}, { payloadHash: "0" }), RUN],
  ["the rules", payloadWith({}), { ...RUN, version: "2" }],
  ["the decision", payloadWith({}), { ...RUN, decision: "yes" }],
] as const)("another state of %s has another cache key", ([, asked, run]) => {
  const usual = consumerResult(payloadWith({}), ANALYSIS, RUN);

  expect(consumerResult(asked, ANALYSIS, run).cache.key).not.toBe(usual.cache.key);
});

test("a result without findings has every mandatory key and recommends nothing", () => {
  expect(consumerResult(payloadWith({}), ANALYSIS, RUN)).toMatchObject({
    requires_action: false,
    urgency: "low",
    impact_summary: "p 1.0.0 → 1.1.0 does not break c/d. No breaking change was found.",
    affected_files: [],
    recommended_changes: "",
    confidence: 0.9,
    reasoning:
      "0 breaking, 0 possibly breaking and 0 harmless changes found. Usage of p by c/d: confirmed. " +
      "The compiler reports 0 new errors with 1.1.0. Its range ^1.0.0 includes 1.1.0. " +
      "It is on that version already.",
    architecture_context: "",
    duration_ms: 5,
  });
});
