import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ChangedFile } from "../../../../src/triage/facts/change-set.ts";
import { readDocument } from "../../../../src/triage/reading/read-document.ts";
import { type Reading, readEach } from "../../../../src/triage/reading/read-each.ts";
import { PACKAGE_NAMES } from "../../../../src/triage/sources/npm/package-names.ts";
import type { AssessedBy, Assessment } from "../../../../src/triage/template/assess.ts";
import { templateTriagePayload } from "../../../../src/triage/template/payload.ts";

const ASSESSMENT: Reading<AssessedBy, ChangedFile, Assessment> = {
  module: import.meta.resolve("../../../../src/triage/template/assess.ts"),
  name: "assessorOf",
};

const signal = new AbortController().signal;

function compose(path: string, after: string): ChangedFile {
  const lines = { added: [], removed: [], isBinary: false } as const;
  return { path, oldPath: null, changeType: "modified", before: "a: 1", after, ...lines };
}

test("items are read in a process of their own, in their order", async () => {
  const items = ['{"name":"a","version":"1.0.0"}', "{", '{"name":"b"}'];

  expect(await readEach(PACKAGE_NAMES, { shared: undefined, items }, { signal })).toEqual([
    { value: { name: "a", version: "1.0.0" } },
    { value: null },
    { value: { name: "b", version: "" } },
  ]);
});

test("an item that takes too long is left out, and those behind it are read", async () => {
  // A glob of this kind is tried in all ways to divide a path, and the path is long.
  const globs = [`${"**/*a*".repeat(40)}b`];
  const payload = templateTriagePayload.parse({
    source_repo: "a/b",
    target_repo: "c/d",
    change_event: { source_repo: "a/b", commit_sha: "1", commit_message: "", branch: "" },
    relationship_config: { concern_globs: { x: globs } },
  });
  const shared = { config: payload.relationship_config, texts: { message: "", commits: [] } };
  const paths = ["a/a", `${"aa/".repeat(400)}c`, "b/b"];
  const items = paths.map((path) => compose(path, "a: 2"));
  const limits = { readingMs: 3_000, readingsMs: 60_000 };

  const read = await readEach(ASSESSMENT, { shared, items }, { signal, limits });

  expect(read.map((one) => ("value" in one ? "read" : one.leftOut))).toEqual([
    "read",
    "it took longer than 3000 ms",
    "read",
  ]);
});

test("a reading by a function that its module does not export is an error", async () => {
  const reading = readEach(
    { ...PACKAGE_NAMES, name: "packageIn" },
    { shared: undefined, items: ["{}"] },
    { signal },
  );

  await expect(reading).rejects.toThrow("package-names.ts exports no function packageIn");
});

test("items for which no time is left are left out", async () => {
  const limits = { readingMs: 1, readingsMs: 0 };

  expect(
    await readEach(PACKAGE_NAMES, { shared: undefined, items: ["{}"] }, { signal, limits }),
  ).toEqual([{ leftOut: "no time was left of the 0 ms for all" }]);
});

test("an abort ends the process with its reason", async () => {
  const controller = new AbortController();
  const items = Array.from({ length: 1_000 }, () => "{}");
  const reading = readEach(
    PACKAGE_NAMES,
    { shared: undefined, items },
    { signal: controller.signal },
  );
  await delay(0);
  controller.abort(new Error("cancelled"));

  await expect(reading).rejects.toThrow("cancelled");
});

const TOO_DEEP = { leftOut: "is nested more than 64 deep" };
const doubled = Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`);

test.for([
  ["keys of keys", "? ".repeat(600), TOO_DEEP],
  ["lists in lists", "- ".repeat(50_000), TOO_DEEP],
  ["lists in lists of JSON", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, TOO_DEEP],
  ["maps in maps by their indentation", levels(1_000), TOO_DEEP],
  [
    "aliases of aliases",
    ["a0: &a0 [x]", ...doubled].join("\n"),
    { leftOut: "holds, with its aliases unfolded, more than 200000 values" },
  ],
  ["text", "a".repeat(1_000_001), { leftOut: "has more than 1000000 characters" }],
] as const)("a document of %s is left out, with the reason", ([, text, told]) => {
  expect(readDocument(text)).toEqual(told);
});

test.for(["a: 1\na: 2", "a: &a [*a]", "a: *b", "a: [", "a: 1\n---\nb: 2"])(
  "%j is no document",
  (text) => {
    expect(readDocument(text)).toBeNull();
  },
);

test.for([
  ["keys", Array.from({ length: 30_000 }, (_, at) => `k${at}: 1`).join("\n")],
  ["aliases", `a: &a 1\nb: [${"*a,".repeat(60_000)}]`],
  ["errors", "}".repeat(100_000)],
  ["empty items", `[${",".repeat(100_000)}]`],
] as const)("a document of many %s comes to an end", ([, text]) => {
  expect(() => readDocument(text)).not.toThrow();
});

function levels(count: number): string {
  return Array.from({ length: count }, (_, at) => `${" ".repeat(at)}a:`).join("\n");
}
