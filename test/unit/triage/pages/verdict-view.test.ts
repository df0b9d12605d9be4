import { expect, test } from "vitest";
import type { TriageResult } from "../../../../src/triage/facts/result.ts";
import { verdictView } from "../../../../src/triage/pages/verdict-view.ts";
import { GREY_FINDING, makeResult } from "../../../support/triage-result.ts";

const shownOf = (result: TriageResult) =>
  String(verdictView(result))
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\s+/g, " ");

test("a verdict says what breaks, where, and what to do", () => {
  const shown = shownOf(
    makeResult({
      recommended_changes: "1. Verify: `npm test`\n2. src/client.ts:3 `FailedAttemptError` is gone",
      evidence: {
        usage: "confirmed",
        findings: [
          {
            ...GREY_FINDING,
            usage: "confirmed",
            proof: { by: "compiler", text: "TS2614 at src/client.ts:3" },
          },
        ],
        diagnostics: [{ path: "src/client.ts", line: 6, code: "TS2339", message: "no 'name'" }],
        exposure: { range: "^6.0.0", resolved: "6.2.1", new: "7.1.1", satisfies: false },
      },
    }),
  );

  expect(shown).toContain("Action is needed");
  expect(shown).toContain("50 %: both repositories were read, and its use is seen in the code");
  expect(shown).toContain("GET /v1/users breaks");
  expect(shown).toContain("Used at src/client.ts:3");
  expect(shown).toContain("The compiler shows it: TS2614 at src/client.ts:3");
  expect(shown).toContain("src/client.ts:6 TS2339: no &#39;name&#39;");
  expect(shown).toContain("breaks on an upgrade, not on the next install");
  expect(shown).toContain("2. src/client.ts:3 FailedAttemptError is gone");
});

test("a verdict says what was not looked at", () => {
  const shown = shownOf(
    makeResult({
      evidence: {
        mode: "payload",
        truncated: true,
        degraded: ["no lockfile"],
        caps_hit: ["hunks"],
      },
    }),
  );

  expect(shown).toMatch(/What was not looked at.*could not be read.*cut off.*hunks.*no lockfile/);
  expect(shownOf(makeResult())).toContain("Nothing was left out.");
});

test("differences that the repository does not meet are folded", () => {
  const shown = String(
    verdictView(makeResult({ evidence: { findings: [{ ...GREY_FINDING, usage: "none" }] } })),
  );

  expect(shown).toContain("Nothing that this repository uses.");
  expect(shown).toContain("<summary>1 other difference that it does not meet</summary>");
});

test("the files of a template are told in words, and its patch is drawn", () => {
  const shown = String(
    verdictView(
      makeResult({
        evidence: {
          findings: [],
          files: [
            { path: "Dockerfile", disposition: "merges_cleanly", changes: ["node:20 → node:22"] },
          ],
        },
        artifacts: [
          { name: "sync.patch", media_type: "text/x-diff", content: "@@ -1 +1 @@\n-a\n+b\n" },
        ],
      }),
    ),
  );

  expect(shown).toContain("merges without a conflict");
  expect(shown).toContain("node:20 → node:22");
  expect(shown).toContain(`<ins class="line">+b`);
});

test("markup and terminal escapes in each text of a verdict are text", () => {
  const evil = "<img src=x onerror=alert(1)>\u001b[31m`";
  const result = JSON.parse(
    JSON.stringify(
      makeResult({
        evidence: {
          findings: [
            {
              ...GREY_FINDING,
              before: "x",
              after: "x",
              replacement: "x",
              own: "x",
              notes: "x",
              proof: { by: "node", text: "x" },
            },
          ],
          diagnostics: [{ path: "x", line: 1, code: "x", message: "x" }],
          files: [{ path: "x", disposition: "x", concern: "x", changes: ["x"], rejects: "x" }],
          degraded: ["x"],
          caps_hit: ["x"],
          exposure: { range: "x", resolved: "x", new: "x", satisfies: null },
        },
        artifacts: [{ name: "x", media_type: "x", content: "x" }],
        adjudication: {
          used: true,
          model: "x",
          input_tokens: 0,
          output_tokens: 0,
          changed: ["x"],
          error: "x",
        },
      }),
    ).replaceAll(/"x"|"src\/client.ts"|"a\/source"|"GET \/v1\/users"/g, JSON.stringify(evil)),
  );
  const shown = String(verdictView(result));

  expect(shown).toContain("&lt;img");
  expect(shown).not.toContain("<img");
  expect(shown).not.toContain("\u001b");
});

test("a long list of findings is folded and counted", () => {
  const findings = Array.from({ length: 300 }, (_, at) => ({ ...GREY_FINDING, id: String(at) }));
  const shown = shownOf(makeResult({ evidence: { findings } }));

  expect(shown).toContain("250 more");
  expect(shown).toContain("… and 50 more in the result");
});

test("a verdict whose counts of tokens are covered is shown", () => {
  const result = makeResult();
  const covered = { ...result.adjudication, input_tokens: "[covered]", output_tokens: "[covered]" };

  expect(verdictView({ ...result, adjudication: covered })).not.toBeNull();
});

test.for([[null], ["text"], [{ requires_action: true }], [[1]]])("%j is no verdict", ([result]) => {
  expect(verdictView(result)).toBeNull();
});
