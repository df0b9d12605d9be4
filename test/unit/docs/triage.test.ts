// Goal: docs/triage.md says what the code does; its commands are run by test/worker/triage-doc.
// Method: put the events of the page to the schema, and the rows of its table to the verdict.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Finding, Hit } from "../../../src/triage/facts/finding.ts";
import { changeEvent } from "../../../src/triage/sources/event/change-event.ts";
import { isGitSha } from "../../../src/triage/sources/git/resolve-commit.ts";
import { verdictOnHit } from "../../../src/triage/verdict/judge.ts";

const PAGE = readFileSync(
  path.join(import.meta.dirname, "..", "..", "..", "docs", "triage.md"),
  "utf8",
);

test("the events of the page are of the three modes", () => {
  const blocks = [...PAGE.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, text = ""]) => text);

  const events = blocks.map((text) => changeEvent.parse(JSON.parse(text)));

  expect(events.map(({ package: upgrade }) => upgrade != null)).toEqual([false, true, false]);
  expect(events.map(({ commit_sha: sha }) => isGitSha(sha))).toEqual([true, true, false]);
  expect(events[2]?.changed_files).toHaveLength(1);
});

const ROWS = PAGE.split("\n").flatMap((line) => {
  const cells = line.split("|").map((cell) => cell.trim());
  const [, breaking = "", usage = "", action = "", urgency = "", confidence = ""] = cells;
  return /^0\.\d\d/.test(confidence)
    ? [{ breaking, usage, action, urgency, confidence: Number.parseFloat(confidence) }]
    : [];
});

const USAGES = ["confirmed", "likely", "unknown", "none"] as const;
const BREAKING = ["yes", "maybe", "no"] as const;

/** A finding of the contract, which is critical unless mapped, and what hits the consumer. */
function hitOf(breaking: Finding["breaking"], usage: Hit["usage"]): Hit {
  const finding: Finding = {
    id: "x:y",
    rule: "ts.export_removed",
    trigger: "api_contract",
    breaking,
    subject: "y",
    before: null,
    after: null,
    replacement: null,
    provider: null,
    own: null,
    notes: null,
    compared: null,
    proof: null,
  };
  return { finding, usage, hits: [{ path: "a.ts", line: 1 }] };
}

const URGENCY: Readonly<Record<string, string>> = {
  mapped: "critical",
  "mapped, at most high": "high",
  "mapped, one step down": "high",
};

test("the table of verdicts has eight rows", () => {
  expect(ROWS).toHaveLength(8);
});

test.for(ROWS)("$breaking and $usage: $urgency, $confidence", (row) => {
  const breaking = BREAKING.filter((word) => row.breaking.split(" or ").includes(word));
  const usages = USAGES.filter((word) => row.usage === "any" || row.usage.includes(word));
  expect(breaking.length * usages.length).toBeGreaterThan(0);
  const error = { path: "a.ts", line: 1, code: "TS1", message: "" };
  const diagnostics = row.usage.includes("compiler") ? [error] : [];

  for (const one of breaking) {
    for (const usage of usages) {
      const verdict = verdictOnHit(hitOf(one, usage), { diagnostics, exposure: null }, {});
      expect(verdict).toMatchObject({
        requiresAction: row.action.startsWith("yes"),
        urgency: URGENCY[row.urgency] ?? row.urgency,
        confidence: row.confidence,
      });
    }
  }
});
