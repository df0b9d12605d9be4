/** A result of triage for tests, and for the handler that a worker loads: it imports no runner. */
import type { TriageResult } from "../../src/triage/facts/result.ts";

type Finding = TriageResult["evidence"]["findings"][number];
type Parts = Partial<Omit<TriageResult, "evidence">> & {
  evidence?: Partial<TriageResult["evidence"]>;
};

/** A finding that leaves open whether it hits anybody. */
export const GREY_FINDING: Finding = {
  id: "http.route_removed:GET /v1/users",
  rule: "http.route_removed",
  trigger: "endpoints",
  breaking: "yes",
  subject: "GET /v1/users",
  before: "GET /v1/users",
  after: null,
  replacement: null,
  provider: { path: "app.py", line: 12 },
  usage: "unknown",
  hits: [{ path: "src/client.ts", line: 3 }],
};

/** A result as the rules leave it, by default an open one: nobody knows the usage. */
export function makeResult({ evidence, ...parts }: Parts = {}): TriageResult {
  return {
    requires_action: true,
    urgency: "high",
    impact_summary: "IF you use a/source: it may break c/target.",
    affected_files: ["src/client.ts"],
    recommended_changes: "1. Verify: run the tests of c/target",
    confidence: 0.5,
    reasoning: "1 breaking change found.",
    architecture_context: "",
    schema_version: 1,
    analyzer: { handler: "consumer_triage", version: "1.0.0" },
    artifacts: [],
    cache: { hit: false, key: "" },
    duration_ms: 0,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
    ...parts,
    evidence: {
      mode: "git",
      source: { repo: "a/source", base_sha: "1111111", head_sha: "2222222" },
      target: { repo: "c/target", sha: "3333333" },
      usage: "unknown",
      exposure: null,
      findings: [GREY_FINDING],
      diagnostics: [],
      files: [],
      truncated: false,
      degraded: [],
      caps_hit: [],
      ...evidence,
    },
  };
}
