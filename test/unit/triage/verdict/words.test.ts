import { expect, test } from "vitest";
import { finding, type Hit } from "../../../../src/triage/facts/finding.ts";
import { recommendedChanges } from "../../../../src/triage/verdict/words.ts";

function adviceOn(...hits: readonly Hit[]): string[] {
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
      hits,
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
  return advice.split("\n");
}

test("that all was compared without a difference is not said beside what breaks", () => {
  const hits = [{ path: "a.ts", line: 1 }];
  const step = finding({
    rule: "pkg.version",
    subject: "sdk",
    breaking: "no",
    before: "1.0.0",
    after: "2.0.0",
    compared: "what is used here loads as before",
  });
  const removed = finding({ rule: "ts.export_removed", subject: "f", breaking: "yes" });

  expect(
    adviceOn(
      { finding: removed, usage: "confirmed", hits },
      { finding: step, usage: "confirmed", hits },
    ),
  ).toEqual([
    "1. Verify: run the tests",
    "2. a.ts:1 `f` was removed",
    "3. a.ts:1 sdk steps from 1.0.0 to 2.0.0: read its release notes",
  ]);
});

test("a line of advice has the first five places, a file once, and counts the others", () => {
  const removed = finding({ rule: "ts.export_removed", subject: "f", breaking: "yes" });
  const places = ["a.ts:1", "a.ts:9", "b.ts:2", "c.ts:3", "c.ts:4", "d.ts:5", "e.ts:6"];
  const hits = places.map((place) => {
    const [path = "", line] = place.split(":");
    return { path, line: Number(line) };
  });

  const advice = adviceOn({ finding: removed, usage: "confirmed", hits });

  expect(advice[1]).toBe("2. a.ts:1,9, b.ts:2, c.ts:3,4 (and 2 more) `f` was removed");
});

test("a call that stands before the errors of its file is told before them", () => {
  const call = finding({
    rule: "js.parameters_changed",
    subject: "Pool",
    breaking: "maybe",
    before: "(factory)",
    after: "(Evictor, factory)",
  });
  const wrong = finding({ rule: "ts.error", subject: "pool.acquire", breaking: "yes" });
  const proven = { ...wrong, proof: { by: "compiler" as const, text: "TS2345" } };

  expect(
    adviceOn(
      { finding: call, usage: "confirmed", hits: [{ path: "a.js", line: 3 }] },
      { finding: proven, usage: "confirmed", hits: [{ path: "a.js", line: 10 }] },
    ).slice(1),
  ).toEqual([
    "2. a.js:3 `Pool` takes other parameters: `(factory)` → `(Evictor, factory)`",
    "3. a.js:10 `pool.acquire` does not compile any more",
  ]);
});

test.for([
  [
    "js.only_change",
    "SIGN",
    null,
    "/b/",
    "sum",
    "`sum`: all that differs in the code is `SIGN`, which it leads to: absent → `/b/`",
  ],
  [
    "js.older_way",
    "compat",
    null,
    "falls back",
    "init",
    "`init`: what was done before may be done by `compat` alone: falls back",
  ],
  [
    "js.default_changed",
    "isWhole",
    null,
    "true",
    "load",
    "`load`: `isWhole` is new, and `true` unless something else is given",
  ],
] as const)("%s of %s is told with what is called", ([rule, subject, before, after, own, text]) => {
  const told = finding({ rule, subject, breaking: "maybe", before, after, own });

  const [, advice] = adviceOn({
    finding: told,
    usage: "confirmed",
    hits: [{ path: "a.js", line: 2 }],
  });

  expect(advice).toBe(`2. a.js:2 ${text}`);
});
