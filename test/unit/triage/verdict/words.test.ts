import { expect, test } from "vitest";
import { finding } from "../../../../src/triage/facts/finding.ts";
import { recommendedChanges } from "../../../../src/triage/verdict/words.ts";

test("a line of advice has the first five places, a file once, and counts the others", () => {
  const removed = finding({ rule: "ts.export_removed", subject: "f", breaking: "yes" });
  const places = ["a.ts:1", "a.ts:9", "b.ts:2", "c.ts:3", "c.ts:4", "d.ts:5", "e.ts:6"];
  const hits = places.map((place) => {
    const [path = "", line] = place.split(":");
    return { path, line: Number(line) };
  });

  const advice = recommendedChanges({
    source: {
      mode: "git",
      name: "acme/sdk",
      change: "acme/sdk@1",
      verify: "run the tests",
      baseSha: "0",
      headSha: "1",
      named: [],
      payloadHash: null,
    },
    target: "acme/shop",
    analysis: {
      hits: [{ finding: removed, usage: "confirmed", hits }],
      diagnostics: [],
      usage: "confirmed",
      exposure: null,
      targetSha: "",
      isPayloadOnly: false,
      truncated: false,
      degraded: [],
      capsHit: [],
    },
    verdict: { requiresAction: true, urgency: "critical", confidence: 0.9, grey: false },
  });

  expect(advice.split("\n")[1]).toBe("2. a.ts:1,9, b.ts:2, c.ts:3,4 (and 2 more) `f` was removed");
});
