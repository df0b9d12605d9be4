import { expect, test } from "vitest";
import type { Case } from "../../corpus/case.ts";
import { firstStep, judge } from "../../corpus/judge.ts";

type Seen = Parameters<typeof judge>[1];
type Found = Seen["evidence"]["findings"][number];

const CASE: Case = {
  name: "one",
  folder: "/cases/one",
  package: "p-retry",
  from: "6.2.1",
  to: "7.1.1",
  kind: "everyday",
  used_for_rules: true,
  class: "breaking and used",
  why: "A type is gone.",
  truth: {
    by: "compiler",
    reached: true,
    at: [{ path: "src/log.ts", line: 3, symbols: ["FailedAttemptError", "p-retry"] }],
  },
};
const FINDING: Found = {
  id: "ts.export_removed:FailedAttemptError",
  rule: "ts.export_removed",
  trigger: "api_contract",
  breaking: "yes",
  subject: "FailedAttemptError",
  before: null,
  after: null,
  replacement: null,
  provider: null,
  usage: "confirmed",
  hits: [{ path: "src/log.ts", line: 3 }],
};
const ERROR = { path: "src/log.ts", line: 3, code: "TS2305", message: "no such export" };

function result({
  step = "",
  action = true,
  findings = [FINDING],
  diagnostics = [ERROR],
  usage = "confirmed",
}: {
  step?: string;
  action?: boolean;
  findings?: Found[];
  diagnostics?: (typeof ERROR)[];
  usage?: Seen["evidence"]["usage"];
} = {}): Seen {
  return {
    requires_action: action,
    recommended_changes: `1. Verify: npm install p-retry@7.1.1\n2. ${step}`,
    impact_summary: "",
    evidence: {
      mode: "npm",
      source: { repo: "", base_sha: "", head_sha: "" },
      target: { repo: "", sha: "" },
      usage,
      exposure: null,
      findings,
      diagnostics,
      files: [],
      truncated: false,
      degraded: [],
      caps_hit: [],
    },
  };
}

test("the first step is the one after how to verify", () => {
  expect(firstStep(result({ step: "src/a.ts:1 `x` was removed" }))).toBe(
    "2. src/a.ts:1 `x` was removed",
  );
  expect(firstStep({ recommended_changes: "" })).toBe("");
});

test.for<[step: string, isRight: boolean]>([
  ["src/log.ts:3 `FailedAttemptError` was removed", true],
  ["`FailedAttemptError` was removed (src/log.ts:3)", true],
  ["src/log.ts:3,9 `FailedAttemptError` was removed", true],
  ["src/log.ts:3 p-retry changed", true],
  ["src/log.ts:4 `FailedAttemptError` was removed", false],
  ["src/log.ts:33 `FailedAttemptError` was removed", false],
  ["src/logs.ts:3 `FailedAttemptError` was removed", false],
  ["src/a.ts:1, src/log.ts:3 `FailedAttemptError` was removed", false],
  ["src/log.ts:3 `FailedAttemptErrors` was removed", false],
  ["`FailedAttemptError` was removed", false],
])("whether it names the break first: %s", ([step, isRight]) => {
  expect(judge(CASE, result({ step })).namesFirst).toBe(isRight);
});

test("nothing is named first of what is harmless, or told as harmless", () => {
  const step = "src/log.ts:3 `FailedAttemptError` was removed";

  expect(judge({ ...CASE, class: "not breaking" }, result({ step })).namesFirst).toBe(false);
  expect(judge(CASE, result({ step, action: false })).namesFirst).toBe(false);
});

/** Whether it says "breaks", and whether it proves it. */
function proof(seen: Seen) {
  const { claims, proves } = judge(CASE, seen);
  return { claims, proves };
}

test("a break has a new error, or a fact of loading at a place, as its proof", () => {
  const loading = { ...FINDING, rule: "pkg.esm_only" };

  expect(proof(result())).toEqual({ claims: true, proves: true });
  expect(proof(result({ diagnostics: [] }))).toEqual({ claims: true, proves: false });
  expect(proof(result({ diagnostics: [], findings: [loading] }))).toEqual({
    claims: true,
    proves: true,
  });
  expect(proof(result({ diagnostics: [], findings: [{ ...loading, hits: [] }] }))).toEqual({
    claims: true,
    proves: false,
  });
  expect(proof(result({ findings: [{ ...FINDING, breaking: "maybe" }] })).claims).toBe(false);
  expect(proof(result({ action: false })).claims).toBe(false);
});

test('"does not use it" is false of what a compiler or a run reaches', () => {
  const unreached = { ...CASE, truth: { ...CASE.truth, reached: false } };

  expect(judge(CASE, result({ usage: "none" })).deniesUse).toBe(true);
  expect(judge(CASE, result({ usage: "unknown" })).deniesUse).toBe(false);
  expect(judge(unreached, result({ usage: "none" })).deniesUse).toBe(false);
});
