// Goal: a model words and settles what the facts leave open, and nothing else; whatever it
// does, no task fails for it.
// Method: a server on loopback in its place, with both interfaces.

import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { type TriageResult, triageResult } from "../../../../../src/triage/facts/result.ts";
import { adjudicate } from "../../../../../src/triage/verdict/adjudication/adjudicate.ts";
import type { ModelAccess } from "../../../../../src/triage/verdict/adjudication/call-model.ts";
import {
  type Material,
  NO_MATERIAL,
} from "../../../../../src/triage/verdict/adjudication/material.ts";
import type { Behaviour } from "../../../../support/http-servers.ts";
import {
  accessTo,
  answers,
  hangs,
  refuses,
  SOUND,
  says,
  startModel,
} from "../../../../support/model-stub.ts";
import { GREY_FINDING, makeResult } from "../../../../support/triage-result.ts";

type Asked = { material?: Material; signal?: AbortSignal };

async function settle(
  result: TriageResult,
  access: ModelAccess | null,
  { material = NO_MATERIAL, signal = new AbortController().signal }: Asked = {},
): Promise<TriageResult> {
  const logger = pino({ level: "silent" });
  const settled = await adjudicate(result, { access, material: () => material, signal, logger });
  return triageResult.parse(settled);
}

test.for([
  ["anthropic", "/v1/messages", { "x-api-key": "s3cret", "anthropic-version": "2023-06-01" }],
  ["openai", "/v1/chat/completions", { authorization: "Bearer s3cret" }],
] as const)(
  "an open verdict is settled by a model with the %s interface",
  async ([provider, path, headers]) => {
    await using model = await startModel(answers());

    const settled = await settle(makeResult(), accessTo(model, { provider }));

    expect(settled).toMatchObject({
      requires_action: true,
      urgency: "medium",
      impact_summary: SOUND.impact_summary,
      affected_files: ["src/client.ts"],
      recommended_changes:
        "1. Verify: run the tests of c/target\nSuggested by stub-1, not checked:\n1. src/client.ts: call /v2/users",
      confidence: 0.66,
      reasoning: "1 breaking change found. stub-1: The client names the route.",
      adjudication: {
        used: true,
        model: "stub-1",
        input_tokens: 700,
        output_tokens: 90,
        changed: ["urgency", "impact_summary", "recommended_changes", "confidence", "reasoning"],
      },
    });
    expect(settled.adjudication.error).toBeUndefined();
    expect(model.received).toMatchObject([{ method: "POST", path, headers }]);
    expect(JSON.parse(model.received[0]?.text ?? "")).toMatchObject({ model: "stub-1" });
  },
);

test.for([
  ["certain", makeResult({ confidence: 0.9, evidence: { findings: [] } })],
  ["hopeless", makeResult({ confidence: 0.34, evidence: { findings: [] } })],
] as const)("a model is not asked about a verdict that is %s", async ([, result]) => {
  await using model = await startModel(answers());

  expect(await settle(result, accessTo(model))).toEqual(result);
  expect(model.received).toEqual([]);
});

test("a model is asked about a sure verdict with a finding that is grey", async () => {
  await using model = await startModel(answers());
  const result = makeResult({ confidence: 0.9 });

  expect((await settle(result, accessTo(model))).adjudication.used).toBe(true);
});

test("without a key the verdict is what the rules say", async () => {
  const result = makeResult();

  expect(await settle(result, null)).toEqual(result);
});

test("a model may turn an open verdict around, and the rules' reasons stay", async () => {
  await using model = await startModel(answers({ requires_action: false, confidence: 1 }));

  expect(await settle(makeResult(), accessTo(model))).toMatchObject({
    requires_action: false,
    affected_files: [],
    recommended_changes: "",
    confidence: 0.7,
    reasoning: expect.stringContaining("1 breaking change found."),
  });
});

test("a verdict that asks for nothing gets no more urgent", async () => {
  await using model = await startModel(answers({ requires_action: false, urgency: "critical" }));

  expect(await settle(makeResult(), accessTo(model))).toMatchObject({
    requires_action: false,
    urgency: "high",
  });
});

/** An error of the compiler in the consumer's own code, and a finding beside it that is grey. */
const PROVEN = makeResult({
  confidence: 0.97,
  evidence: {
    diagnostics: [{ path: "src/client.ts", line: 3, code: "TS2339", message: "no" }],
    findings: [GREY_FINDING],
  },
});
/** A template's change that a three-way merge applies. */
const MERGED = makeResult({
  confidence: 0.75,
  evidence: {
    findings: [],
    files: [{ path: "Dockerfile", disposition: "merges_cleanly", concern: "docker" }],
  },
});

/** What a model may say, about which result. */
const HOSTILE: [string, TriageResult, Behaviour][] = [
  ["it talks", makeResult(), says("Sure! I would be happy to help.")],
  ["it says something that is no object", makeResult(), says("[1, 2, 3]")],
  ["it leaves keys out", makeResult(), says('{"requires_action": false}')],
  ["its confidence is beyond measure", makeResult(), answers({ confidence: 7 })],
  ["its urgency is none of ours", makeResult(), answers({ urgency: "none" })],
  ["it names a file that does not exist", makeResult(), answers({ affected_files: ["ghost.ts"] })],
  [
    "it names a file outside of the tree",
    makeResult(),
    answers({ affected_files: ["src/client.ts", "../../etc/passwd"] }),
  ],
  ["it turns off what the compiler proved", PROVEN, answers({ requires_action: false })],
  [
    "it turns off what a merge proved",
    MERGED,
    answers({ requires_action: false, affected_files: [] }),
  ],
  [
    "it turns off what is certain",
    makeResult({ confidence: 0.9 }),
    answers({ requires_action: false }),
  ],
  ["it moves the urgency by two steps", makeResult(), answers({ urgency: "low" })],
  [
    "it raises the urgency by two steps",
    makeResult({ urgency: "medium" }),
    // High is one step, critical two.
    answers({ urgency: "critical" }),
  ],
  ["its words are endless", makeResult(), answers({ reasoning: "x".repeat(100_000) })],
  ["its answer is huge", makeResult(), says("x".repeat(2_000_000))],
  [
    "its answer has another shape",
    makeResult(),
    (_received, response) => {
      response.end('{"hello": "world"}');
      return true;
    },
  ],
];

describe("a hostile model changes no verdict:", () => {
  test.for(HOSTILE)("%s", async ([, result, behaviour]) => {
    await using model = await startModel(behaviour);

    const settled = await settle(result, accessTo(model));

    const { adjudication, ...verdict } = settled;
    const { adjudication: _, ...before } = result;
    expect(verdict).toEqual(before);
    expect(adjudication).toMatchObject({ used: false, model: "stub-1", changed: [] });
    expect(adjudication.error).toMatch(/^(the answer|127\.0\.0\.1:\d+ answered more than)/);
  });

  test("an answer that cannot be used is asked for once more, and paid for", async () => {
    await using model = await startModel(says("no"), answers());

    const settled = await settle(makeResult(), accessTo(model));

    expect(settled.adjudication).toMatchObject({
      used: true,
      input_tokens: 1_400,
      output_tokens: 180,
    });
  });

  test("two answers that cannot be used are enough", async () => {
    await using model = await startModel(says("no"), says("no"), answers());

    expect((await settle(makeResult(), accessTo(model))).adjudication).toMatchObject({
      used: false,
      input_tokens: 1_400,
      error: "the answer is not JSON",
    });
    expect(model.received).toHaveLength(2);
  });
});

test("a model makes nothing of what is proven less sure", async () => {
  await using model = await startModel(
    answers({ urgency: "high", confidence: 0, affected_files: [] }),
  );

  expect(await settle(PROVEN, accessTo(model))).toMatchObject({
    confidence: 0.97,
    impact_summary: PROVEN.impact_summary,
    affected_files: ["src/client.ts"],
  });
});

test("a model does not make sure what nobody proved", async () => {
  await using model = await startModel(answers({ confidence: 1 }));
  const result = makeResult({ confidence: 0.94 });

  expect((await settle(result, accessTo(model))).confidence).toBe(0.95);
});

test("words of a model lose what terminals and eyes would be fooled by", async () => {
  await using model = await startModel(
    answers({ impact_summary: "a\u001b[2Jb\u202ec", reasoning: "one\ntwo\u0000" }),
  );

  const settled = await settle(makeResult(), accessTo(model));

  expect(settled.impact_summary).toBe("a [2Jb c");
  expect(settled.reasoning).toBe("1 breaking change found. stub-1: one\ntwo");
});

test("a model may name the files whose excerpts it was shown", async () => {
  await using model = await startModel(answers({ affected_files: ["src/other.ts"] }));
  const material = { diffs: [], snippets: [{ path: "src/other.ts", text: "3: fetch(url)" }] };

  expect((await settle(makeResult(), accessTo(model), { material })).affected_files).toEqual([
    "src/other.ts",
  ]);
});

test("a cancel while the model thinks ends the attempt with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("cancel requested");
  await using model = await startModel((...request) => {
    controller.abort(reason);
    return hangs(...request);
  });

  await expect(settle(makeResult(), accessTo(model), { signal: controller.signal })).rejects.toBe(
    reason,
  );
});

test("a model that is down costs no task its verdict", async () => {
  await using model = await startModel(refuses(503));

  const settled = await settle(makeResult(), accessTo(model));

  expect(settled).toMatchObject({
    urgency: "high",
    confidence: 0.5,
    adjudication: { used: false, error: expect.stringMatching(/^127\.0\.0\.1:\d+ answered 503$/) },
  });
  expect(JSON.stringify(settled)).not.toContain("s3cret");
});
