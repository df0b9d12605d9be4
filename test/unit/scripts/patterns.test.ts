import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { judge } from "../../../scripts/patterns/judge.ts";
import { patternsIn } from "../../../scripts/patterns/patterns-in.ts";
import { makeTemporaryFolder } from "../../support/folders-and-ports.ts";

const judged = async (...sources: string[]) => {
  const folder = await makeTemporaryFolder();
  onTestFinished(folder.remove);
  const patterns = sources.map((source) => ({ source, flags: "" }));
  return await judge(patterns, join(folder.path, "patterns.json"));
};

test.for([
  ["blanks before an end that does not come", String.raw`\s+$`],
  ["a run that begins again at each of its characters", String.raw`\d+x`],
  ["two parts that share characters", String.raw`^a\s*\s*b`],
  ["a beginning that comes often, and an end that never comes", String.raw`/\*[\s\S]*?\*/`],
  ["an exponential one", "^(?:a+)+b"],
])("%s is not proven linear", async ([, source = ""]) => {
  expect([...(await judged(source)).keys()]).toEqual([`/${source}/`]);
});

test("a pattern that is only searched for counterexamples is not proven", async () => {
  expect([...(await judged("^(?!a)b+c")).values()]).toEqual(["/^(?!a)b+c/ is not proven linear"]);
});

test.for(["^[a-z]+$", "a|b", "^[0-9a-f]{7,64}$", String.raw`\.[cm]?[jt]s$`])(
  "%s is proven linear",
  async (source) => {
    expect([...(await judged(source))]).toEqual([]);
  },
);

test("literals, and texts that are known before the program runs, are found", () => {
  const text = [
    'const NAME = "[a-z]+";',
    "const a = /b/g;",
    'const c = new RegExp(`^${NAME}$`, "i");',
    "const d = RegExp(process.argv[2]);",
    "// unproven pattern -- our own text",
    "const e = /f/;",
  ].join("\n");

  expect(patternsIn("a.ts", text)).toEqual([
    { line: 2, reason: null, pattern: { source: "b", flags: "g" } },
    { line: 3, reason: null, pattern: { source: "^[a-z]+$", flags: "i" } },
    { line: 4, reason: null, unknown: expect.stringMatching(/put together at run time/) },
    { line: 6, reason: "our own text", pattern: { source: "f", flags: "" } },
  ]);
});
