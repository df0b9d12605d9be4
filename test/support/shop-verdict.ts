/** The verdict that docs/triage.md tells of: a service moves a route that a shop calls. */
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { makeResult } from "./triage-result.ts";

const FINDING: TriageResult["evidence"]["findings"][number] = {
  id: "http.route_removed:POST /v1/charges",
  rule: "http.route_removed",
  trigger: "endpoints",
  breaking: "yes",
  subject: "POST /v1/charges",
  before: "POST /v1/charges",
  after: null,
  replacement: "POST /v2/charges",
  proof: { by: "service", text: "server.js no longer has the route" },
  provider: { path: "server.js", line: 4 },
  usage: "confirmed",
  hits: [{ path: "src/pay.js", line: 2 }],
};

export const SHOP_VERDICT: TriageResult = makeResult({
  requires_action: true,
  urgency: "high",
  confidence: 0.9,
  impact_summary:
    "demo/pay-api@9f2c41d breaks demo/shop: `POST /v1/charges` is gone; use `POST /v2/charges` (src/pay.js:2).",
  affected_files: ["src/pay.js"],
  recommended_changes:
    "1. Verify: run the tests of demo/shop against demo/pay-api@9f2c41d\n2. src/pay.js:2 `POST /v1/charges` is gone; use `POST /v2/charges`",
  reasoning: "1 breaking change found, whose use is confirmed in 1 file.",
  duration_ms: 1_840,
  evidence: {
    source: {
      repo: "demo/pay-api",
      base_sha: "41b7e0c9d2f3a8b6c5d4e3f2a1b0c9d8e7f6a5b4",
      head_sha: "9f2c41d0b7a6958473625140392817f6e5d4c3b2",
    },
    target: { repo: "demo/shop", sha: "7c3a2b1908f7e6d5c4b3a29181706f5e4d3c2b1a" },
    usage: "confirmed",
    findings: [FINDING],
  },
});
