// Goal: the events of all producers parse, whoever enqueues the task.

import { expect, test } from "vitest";
import { consumerTriagePayload } from "../../../../src/triage/pipeline/consumer-payload.ts";

const EVENT = {
  source_repo: "acme/provider",
  commit_sha: "abc123def456ghi789jkl012mno345pqr678stu",
  commit_message: "change",
  branch: "main",
};

function parse(event: object) {
  return consumerTriagePayload.parse({
    source_repo: "acme/provider",
    target_repo: "acme/consumer",
    change_event: event,
  }).change_event;
}

test.for([
  [
    "the analyzer",
    {
      changed_files: [{ path: "a.py", change_type: "R", diff: "@@ -1 +1 @@\n-x\n+y\n" }],
      pattern_summary: {
        patterns: ["p"],
        decisions: ["d"],
        reusable_components: [{ name: "n", description: "d", files: ["a.py"], language: "python" }],
        dependencies: ["x"],
        problem_domain: "p",
        keywords: ["k"],
        analyzed_at: "now",
        commit_sha: "abc",
      },
    },
    "renamed",
  ],
  [
    "a plain action",
    { changed_files: [{ path: "a.py", change_type: "R100", diff: "" }], pattern_summary: {} },
    "renamed",
  ],
  [
    "the older system",
    { changed_files: [{ path: "a.py", change_type: "added", diff: "+line\n-line" }] },
    "added",
  ],
  ["a host", { changed_files: [{ filename: "a.py", status: "removed", patch: null }] }, "deleted"],
  ["who says nothing", { changed_files: ["a.py"], pattern_summary: null }, undefined],
] as const)("an event of %s parses", ([, given, changeType]) => {
  const event = parse({ ...EVENT, ...given });

  expect(event.changed_files).toMatchObject([
    { path: "a.py", ...(changeType === undefined ? {} : { change_type: changeType }) },
  ]);
});

test("that no files are told is another thing than that none changed", () => {
  expect(parse(EVENT).changed_files).toBeUndefined();
  expect(parse({ ...EVENT, changed_files: null }).changed_files).toBeNull();
  expect(parse({ ...EVENT, changed_files: [] }).changed_files).toEqual([]);
});

test("unknown keys are kept, at every depth", () => {
  const given = {
    ...EVENT,
    compare: "https://example.org",
    package: { name: "p", from: "v1.0.0", to: "2.0.0", from_path: "old", extra: 1 },
    changed_files: [{ path: "a", additions: 1 }],
    pattern_summary: { decisions: ["d"] },
  };

  expect(parse(given)).toMatchObject({
    compare: "https://example.org",
    package: { name: "p", from: "1.0.0", to: "2.0.0", from_path: "old", extra: 1 },
    changed_files: [{ additions: 1 }],
    pattern_summary: { decisions: ["d"] },
  });
});

test("a release can be told without any commit", () => {
  const upgrade = { name: "p", from: "1.0.0", to: "2.0.0" };

  expect(parse({ package: upgrade })).toMatchObject({ package: upgrade, base_sha: null });
});
