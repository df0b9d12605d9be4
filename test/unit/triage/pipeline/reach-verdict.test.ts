// Goal: a verdict can be stored, and is kept for as long as it is right.

import { describe, expect, test } from "vitest";
import { reachVerdict } from "../../../../src/triage/pipeline/reach-verdict.ts";
import { NO_MATERIAL } from "../../../../src/triage/verdict/adjudication/material.ts";
import { KEEP_SECONDS, keepSecondsOf } from "../../../../src/triage/verdict/cache.ts";
import { makeHandlerContext } from "../../../support/handlers.ts";
import { makeResult } from "../../../support/triage-result.ts";

const ABOUT = {
  handler: "verdict",
  version: "1",
  keyInputs: {
    sourceRepo: "a/source",
    baseSha: "1111111",
    headSha: "2222222",
    targetRepo: "c/target",
    targetSha: "3333333",
    relationshipType: "api_consumer",
    configHash: "",
    payloadHash: null,
  },
  decision: null,
  startedAt: 0,
  access: null,
};

test.for([
  ["a NUL", "port \0 8080", "port \u{FFFD} 8080"],
  ["half of a surrogate pair", "\u{1F600}".slice(0, 1), "\u{FFFD}"],
] as const)("%s in what a repository holds fails no task", async ([, given, told]) => {
  const ruled = {
    result: makeResult({ impact_summary: given, artifacts: [{ content: given }] }),
    question: null,
    material: () => NO_MATERIAL,
  };
  const analyse = () => Promise.resolve(ruled);

  const result = await reachVerdict({ ...ABOUT, analyse }, makeHandlerContext());

  expect(result).toMatchObject({ impact_summary: told, artifacts: [{ content: told }] });
});

describe("a verdict is cached", () => {
  const { evidence } = makeResult({});

  test.for([
    ["for a week", [], KEEP_SECONDS.complete],
    ["for a week, with what the same inputs cut off again", ["files"], KEEP_SECONDS.complete],
    ["briefly where time or memory was short", ["surface_types"], KEEP_SECONDS.lacking],
  ] as const)("%s", ([, caps_hit, seconds]) => {
    const verdict = makeResult({ evidence: { ...evidence, caps_hit: [...caps_hit] } });

    expect(keepSecondsOf(verdict)).toBe(seconds);
  });
});
