// Every regular expression of what runs in production is proven to need time in proportion to
// what it reads, by recheck, or carries its reason. Prints one line for each that is neither, and
// exits 1 if there is one. What is proven once is remembered in node_modules/.cache.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { judge } from "./patterns/judge.ts";
import { type Pattern, patternsIn } from "./patterns/patterns-in.ts";

const root = path.dirname(import.meta.dirname);
/** Scripts, benches and tests read what we wrote ourselves. */
const READING_STRANGERS = ["src", "tasks", "bin"];

const files = execFileSync(
  "git",
  ["ls-files", "-co", "--exclude-standard", "--", ...READING_STRANGERS],
  { cwd: root, encoding: "utf8" },
)
  .split("\n")
  .filter((name) => /\.[cm]?[jt]s$/.test(name) && existsSync(path.join(root, name)));

const found = files.flatMap((file) =>
  patternsIn(file, readFileSync(path.join(root, file), "utf8")).map((one) => ({ ...one, file })),
);
const verdicts = await judge(
  found.flatMap((one) => ("pattern" in one ? [one.pattern] : [])),
  path.join(root, "node_modules/.cache/triaged/patterns.json"),
);

let count = 0;
for (const { file, line, reason, ...rest } of found) {
  const complaint = "pattern" in rest ? verdicts.get(keyOf(rest.pattern)) : rest.unknown;
  if (complaint === undefined && reason === null) continue;
  if (complaint !== undefined && reason !== null) continue;
  count++;
  const told = complaint ?? "is proven linear: its exemption can go";
  process.stdout.write(`${file}:${line}: ${told}\n`);
}
process.exitCode = count === 0 ? 0 : 1;

function keyOf({ source, flags }: Pattern): string {
  return `/${source}/${flags}`;
}
