import { expect, test } from "vitest";
import type { Analysis } from "../../../../src/triage/facts/analysis.ts";
import {
  type Breaking,
  finding,
  type Hit,
  type Usage,
} from "../../../../src/triage/facts/finding.ts";
import { verdictOn } from "../../../../src/triage/verdict/judge.ts";

const PLACE = { path: "src/a.ts", line: 1 };
const ERROR = { ...PLACE, line: 7, code: "TS2339", message: "no such member" };

function hit(breaking: Breaking, usage: Usage): Hit {
  return {
    finding: finding({ rule: "ts.signature", subject: "f", breaking }),
    usage,
    hits: usage === "confirmed" ? [PLACE] : [],
  };
}

function analysis(parts: Partial<Analysis>): Analysis {
  return {
    hits: [],
    diagnostics: [],
    usage: "confirmed",
    exposure: { range: "^1.0.0", resolved: null, new: "1.1.0", satisfies: true },
    targetSha: "sha256:0",
    isPayloadOnly: false,
    truncated: false,
    degraded: [],
    capsHit: [],
    ...parts,
  };
}

test.for([
  ["yes", "confirmed", [ERROR], true, "critical", 0.97],
  ["yes", "confirmed", [], true, "critical", 0.9],
  ["yes", "likely", [], true, "high", 0.7],
  ["yes", "unknown", [], true, "high", 0.5],
  ["yes", "none", [], false, "low", 0.85],
  ["maybe", "none", [], false, "low", 0.85],
  ["maybe", "confirmed", [], true, "high", 0.65],
  ["maybe", "likely", [], true, "medium", 0.45],
  ["maybe", "unknown", [], true, "medium", 0.45],
  ["no", "confirmed", [], false, "low", 0.9],
] as const)(
  "breaking %s and usage %s with new errors %j: action %s, %s, %d",
  ([breaking, usage, diagnostics, requiresAction, urgency, confidence]) => {
    const verdict = verdictOn(analysis({ hits: [hit(breaking, usage)], diagnostics }), {});

    expect(verdict).toMatchObject({ requiresAction, urgency, confidence });
  },
);

test.for([
  ["known by diffs alone", { isPayloadOnly: true }, 0.77],
  ["cut off", { truncated: true }, 0.77],
  ["partly not readable", { degraded: ["no diff"] }, 0.81],
  ["over a limit", { capsHit: ["files"] }, 0.81],
  ["all of that", { isPayloadOnly: true, truncated: true, degraded: ["x"], capsHit: ["y"] }, 0.53],
] as const)("facts that are %s make the verdict less sure", ([, parts, confidence]) => {
  const verdict = verdictOn(analysis({ hits: [hit("yes", "confirmed")], ...parts }), {});

  expect(verdict).toMatchObject({ requiresAction: true, urgency: "critical", confidence });
});

test("nothing found needs no action", () => {
  expect(verdictOn(analysis({}), {})).toEqual({
    requiresAction: false,
    urgency: "low",
    confidence: 0.9,
    grey: false,
  });
});

test.for([
  ["2.0.0", "confirmed", 0.75],
  ["2.0.0", "none", 0.9],
  ["1.1.0", "confirmed", 0.9],
] as const)(
  "a step to %s whose reason is known and usage %s need no action, with confidence %d",
  ([after, usage, confidence]) => {
    const step = finding({
      rule: "pkg.version",
      subject: "p",
      breaking: "no",
      before: "1.0.0",
      after,
    });

    const verdict = verdictOn(analysis({ hits: [{ finding: step, usage, hits: [] }] }), {});

    expect(verdict).toMatchObject({ requiresAction: false, urgency: "low", confidence });
  },
);

test("the gravest finding decides", () => {
  const hits = [hit("no", "confirmed"), hit("yes", "none"), hit("maybe", "confirmed")];

  expect(verdictOn(analysis({ hits }), {})).toMatchObject({ urgency: "high", confidence: 0.65 });
});

test("an error in a file that the finding does not hit is no proof of it", () => {
  const diagnostics = [{ ...ERROR, path: "src/b.ts" }];

  const verdict = verdictOn(analysis({ hits: [hit("yes", "confirmed")], diagnostics }), {});

  expect(verdict.confidence).toBe(0.9);
});

test("a range that excludes the new version makes it one step less urgent", () => {
  const exposure = { range: "^1.0.0", resolved: null, new: "2.0.0", satisfies: false };

  const verdict = verdictOn(analysis({ hits: [hit("yes", "confirmed")], exposure }), {});

  expect(verdict.urgency).toBe("high");
});

test("a range says nothing of a service that the package's repository runs", () => {
  const exposure = { range: "^1.0.0", resolved: null, new: "2.0.0", satisfies: false };
  const gone = finding({ rule: "http.route_removed", subject: "GET /", breaking: "yes" });
  const hits = [{ finding: gone, usage: "confirmed", hits: [PLACE] } as const];

  expect(verdictOn(analysis({ hits, exposure }), {}).urgency).toBe("critical");
});

test("the relationship's mapping says how urgent a trigger is", () => {
  const verdict = verdictOn(analysis({ hits: [hit("yes", "confirmed")] }), {
    api_contract: "medium",
  });

  expect(verdict.urgency).toBe("medium");
});

test("missing types and caps make the verdict less sure", () => {
  const hits = [hit("yes", "confirmed")];

  expect(verdictOn(analysis({ hits, degraded: ["x"] }), {}).confidence).toBe(0.81);
  expect(verdictOn(analysis({ hits, degraded: ["x"], capsHit: ["files"] }), {}).confidence).toBe(
    0.73,
  );
});
