// Goal: the events of all producers are understood, however much they disagree.

import { expect, test } from "vitest";
import { changeEvent } from "../../../../../src/triage/sources/event/change-event.ts";
import { changeSetOfEvent } from "../../../../../src/triage/sources/event/event-change-set.ts";

const REQUIRED = {
  source_repo: "acme/provider",
  commit_sha: "abc123def456ghi789jkl012mno345pqr678stu",
  commit_message: "Add authentication",
  branch: "main",
};

/** The one changed file of an event with this one. */
function fileOf(file: unknown) {
  const [found] = changeSetOfEvent(changeEvent.parse({ ...REQUIRED, changed_files: [file] })).files;
  return found;
}

test("four keys are enough, and a sha is any name", () => {
  expect(changeEvent.parse(REQUIRED)).toEqual({
    ...REQUIRED,
    changed_files: [],
    pattern_summary: { patterns: [], keywords: [] },
    base_sha: null,
    repo_url: null,
  });
});

test.for(Object.keys(REQUIRED))("an event without %s is refused", (key) => {
  expect(changeEvent.safeParse({ ...REQUIRED, [key]: undefined }).success).toBe(false);
});

test("an event of the richest producer keeps what is not known here", () => {
  const event = changeEvent.parse({
    ...REQUIRED,
    changed_files: [{ path: "src/a.ts", change_type: "M", diff: "+x", additions: 1 }],
    pattern_summary: { patterns: ["p"], keywords: ["k"], decisions: ["d"], analyzed_at: "now" },
    timestamp: "2024-12-05T10:30:00Z",
    compare: "https://example.org",
  });

  expect(event).toMatchObject({
    compare: "https://example.org",
    pattern_summary: { patterns: ["p"], decisions: ["d"] },
    changed_files: [{ change_type: "modified", additions: 1 }],
  });
});

test.for([null, "none", { patterns: "many", keywords: [1, "port"] }])(
  "a pattern summary that is %j fails nothing",
  (summary) => {
    const event = changeEvent.parse({ ...REQUIRED, pattern_summary: summary });

    expect(event.pattern_summary).toMatchObject({ patterns: [] });
  },
);

test.for([
  ["A", "added"],
  ["added", "added"],
  ["M", "modified"],
  ["modified", "modified"],
  ["T", "modified"],
  ["D", "deleted"],
  ["removed", "deleted"],
  ["R", "renamed"],
  ["R100", "renamed"],
  ["RENAMED", "renamed"],
  ["C075", "added"],
] as const)("a change of type %s is %s", ([word, changeType]) => {
  expect(fileOf({ path: "a", change_type: word })?.changeType).toBe(changeType);
});

test("without a type the diff tells it", () => {
  expect(fileOf({ path: "a", diff: "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n" })).toMatchObject({
    changeType: "added",
    added: [{ line: 1, text: "x" }],
  });
  expect(fileOf({ path: "a" })?.changeType).toBe("modified");
});

test("files in the words of GitHub's API, and bare paths, are understood", () => {
  const file = {
    filename: "b",
    status: "renamed",
    previous_filename: "a",
    patch: "@@ -1 +1 @@\n-x\n+y",
  };

  expect(fileOf(file)).toMatchObject({
    path: "b",
    oldPath: "a",
    removed: [{ line: 1, text: "x" }],
  });
  expect(fileOf("src/a.ts")).toMatchObject({ path: "src/a.ts", changeType: "modified", added: [] });
});

test("a rename with its first path alone takes the second from the diff", () => {
  const diff = "similarity index 100%\nrename from old.py\nrename to new.py\n";

  expect(fileOf({ path: "old.py", change_type: "R100", diff })).toMatchObject({
    path: "new.py",
    oldPath: "old.py",
  });
  expect(fileOf({ path: "old.py", change_type: "R100" })).toMatchObject({
    path: "old.py",
    oldPath: "old.py",
  });
});

test("a file without a path is refused", () => {
  const { error } = changeEvent.safeParse({ ...REQUIRED, changed_files: [{ diff: "+x" }] });

  expect(error?.issues[0]).toMatchObject({
    path: ["changed_files", 0],
    message: "expected a path",
  });
});

test("the commit before a new branch is none", () => {
  expect(changeEvent.parse({ ...REQUIRED, base_sha: "0".repeat(40) }).base_sha).toBeNull();
  expect(changeEvent.parse({ ...REQUIRED, base_sha: "abc1234" }).base_sha).toBe("abc1234");
});

test("noise is dropped from an event, and lockfiles are kept", () => {
  const changed_files = ["b/node_modules/x.js", "yarn.lock", "a.min.js", "poetry.lock"];

  const { files } = changeSetOfEvent(changeEvent.parse({ ...REQUIRED, changed_files }));

  expect(files.map(({ path }) => path)).toEqual(["poetry.lock", "yarn.lock"]);
});

test("a diff of 5,000 characters was cut, and its last line is not believed", () => {
  const whole = "+port = 8080\n".repeat(500);
  const event = changeEvent.parse({
    ...REQUIRED,
    changed_files: [{ path: "a.py", change_type: "M", diff: whole.slice(0, 5_000) }],
  });

  const { truncated, files } = changeSetOfEvent(event);

  expect(truncated).toBe(true);
  expect(new Set(files[0]?.added.map(({ text }) => text))).toEqual(new Set(["port = 8080"]));
});

function isTruncated(diff: string): boolean {
  const changed_files = [{ path: "a", diff }];
  return changeSetOfEvent(changeEvent.parse({ ...REQUIRED, changed_files })).truncated;
}

test("a short diff is whole, and one that breaks off in a hunk is not", () => {
  expect(isTruncated("+a\n-b")).toBe(false);
  expect(isTruncated("@@ -1,9 +1,9 @@\n-a\n+b\n")).toBe(true);
});

test("of too many files, and of too much diff, the rest is left out", () => {
  const changed_files = ["a", "b", "c"].map((path) => ({ path, diff: "+12345678\n" }));
  const event = changeEvent.parse({ ...REQUIRED, changed_files });

  const { capsHit, files } = changeSetOfEvent(event, { filesMax: 2, diffBytesMax: 15 });

  expect(capsHit).toEqual(["diff_bytes", "files"]);
  expect(files.map(({ path, added }) => [path, added.length])).toEqual([
    ["a", 1],
    ["b", 0],
  ]);
});

test("an event is the change set of its commit", () => {
  expect(changeSetOfEvent(changeEvent.parse({ ...REQUIRED, base_sha: "abc1234" }))).toEqual({
    mode: "payload",
    baseSha: "abc1234",
    headSha: REQUIRED.commit_sha,
    message: "Add authentication",
    files: [],
    truncated: false,
    capsHit: [],
  });
});
