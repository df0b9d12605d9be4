import { expect, test } from "vitest";
import type { Analysis } from "../../../../src/triage/facts/analysis.ts";
import { finding, type Hit, type Usage } from "../../../../src/triage/facts/finding.ts";
import { combineAnalyses } from "../../../../src/triage/pipeline/analyze-work.ts";

function analysis(parts: Partial<Analysis>): Analysis {
  return {
    hits: [],
    diagnostics: [],
    usage: "none",
    exposure: null,
    targetSha: "t",
    isPayloadOnly: false,
    truncated: false,
    degraded: [],
    capsHit: [],
    ...parts,
  };
}

function hit(subject: string, usage: Usage): Hit {
  const gone = finding({ rule: "ts.export_removed", subject, breaking: "yes" });
  return { finding: gone, usage, hits: [] };
}

test.for<[Usage, Usage, Usage]>([
  ["none", "confirmed", "confirmed"],
  ["likely", "unknown", "likely"],
  ["none", "unknown", "unknown"],
  ["none", "none", "none"],
])("usages %s and %s are %s together", ([one, other, both]) => {
  expect(combineAnalyses([analysis({ usage: one }), analysis({ usage: other })]).usage).toBe(both);
});

test("a range that lets one of the packages in counts, and not one that keeps another out", () => {
  const out = { range: "^1.0.0", resolved: null, new: "2.0.0", satisfies: false };
  const into = { ...out, range: ">=1", satisfies: true };
  const parts = [analysis({ exposure: out }), analysis({ exposure: into })];

  expect(combineAnalyses(parts).exposure).toEqual(into);
  expect(combineAnalyses(parts.toReversed()).exposure).toEqual(into);
});

test("facts add up, what matters first, and each has an id of its own", () => {
  const exposure = { range: "^1.0.0", resolved: null, new: "2.0.0", satisfies: false };

  const combined = combineAnalyses([
    analysis({ hits: [hit("a", "none")], degraded: ["d", "c"], capsHit: ["files"] }),
    analysis({ hits: [hit("a", "confirmed")], degraded: ["c"], exposure, truncated: true }),
  ]);

  expect(combined.hits.map(({ finding: { id }, usage }) => [id, usage])).toEqual([
    ["ts.export_removed:a#2", "confirmed"],
    ["ts.export_removed:a", "none"],
  ]);
  expect(combined).toMatchObject({
    exposure,
    degraded: ["c", "d"],
    capsHit: ["files"],
    truncated: true,
    isPayloadOnly: false,
  });
});
